<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local;

/**
 * How a post, or a whole run, ended: a code, and what belongs to it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class result {
    /** @var string the receiver took the batch */
    public const DELIVERED = 'delivered';

    /** @var string there was nothing to do */
    public const IDLE = 'idle';

    /** @var string the receiver takes this site for a copy: what it sends is only kept there */
    public const UNCONFIRMED = 'unconfirmed';

    /**
     * A result.
     *
     * @param string $outcome
     * @param int $status
     * @param string $detail
     * @param int|null $retryafter
     * @param array $items
     */
    public function __construct(
        /** @var string the code; its words are the string outcome_CODE */
        public readonly string $outcome,
        /** @var int the HTTP status; 0: there was no answer, or nothing was sent */
        public readonly int $status = 0,
        /** @var string what was said about it; no personal data */
        public readonly string $detail = '',
        /** @var int|null the seconds that the receiver asked to wait for */
        public readonly ?int $retryafter = null,
        /** @var array result and reason by item, as "events/0" */
        public readonly array $items = [],
    ) {
    }

    /**
     * Judges an answer.
     *
     * @param answer $answer
     * @return self
     */
    public static function of(answer $answer): self {
        if ($answer->status === 0) {
            return new self($answer->problem ?: 'unreachable', 0, self::cut($answer->detail));
        }
        switch ($answer->status) {
            case 200:
                $items = self::items($answer->body);
                if ($items === null) {
                    return new self('nonsense', 200, self::cut($answer->detail));
                }
                // An empty batch has no items that could say it. A service that says nothing of it takes no copies apart.
                $copy = (self::decoded($answer->body)['confirmed'] ?? null) === false;
                return new self($copy ? self::UNCONFIRMED : self::DELIVERED, 200, '', null, $items);
            case 400:
                // Only the service's own refusal says where. A proxy's says nothing of the batch.
                $errors = self::decoded($answer->body)['errors'] ?? null;
                return is_array($errors) && $errors
                    ? new self('malformed', 400, self::cut(implode('; ', array_filter($errors, 'is_string'))))
                    : new self('http', 400);
            case 401:
                return new self('refused', 401);
            case 413:
                return new self('too_large', 413);
            case 503:
                return new self('unavailable', 503, '', self::seconds($answer->retryafter));
        }
        return new self($answer->status >= 300 && $answer->status < 400 ? 'redirected' : 'http', $answer->status);
    }

    /**
     * The same with other words.
     *
     * @param string $outcome
     * @param string $detail
     * @return self
     */
    public function but(string $outcome, string $detail): self {
        return new self($outcome, $this->status, self::cut($detail), $this->retryafter, $this->items);
    }

    /**
     * Whether nothing went wrong.
     *
     * @return bool
     */
    public function good(): bool {
        return $this->outcome === self::DELIVERED || $this->outcome === self::IDLE;
    }

    /**
     * What to tell people.
     *
     * @return string
     */
    public function message(): string {
        $detail = $this->outcome === 'blocked' && $this->detail === '' ? '-' : s($this->detail);
        $a = ['status' => $this->status, 'detail' => $detail];
        if ($this->outcome === self::UNCONFIRMED) {
            $a += ['site' => settings::site_or_placeholder(), 'epoch' => identity::epoch()];
        }
        return get_string('outcome_' . $this->outcome, 'local_copbridge', $a);
    }

    /**
     * The fates in an answer.
     *
     * @param string $body
     * @return array|null result and reason by item; null: this is no answer of the service
     */
    private static function items(string $body): ?array {
        $results = self::decoded($body)['results'] ?? null;
        if (!is_array($results) || !array_is_list($results)) {
            return null;
        }
        $items = [];
        foreach ($results as $one) {
            if (!is_string($one['item'] ?? null) || !is_string($one['result'] ?? null)) {
                return null;
            }
            $items[$one['item']] = [$one['result'], is_string($one['reason'] ?? null) ? $one['reason'] : ''];
        }
        return $items;
    }

    /**
     * The JSON object in a body.
     *
     * @param string $body
     * @return array
     */
    private static function decoded(string $body): array {
        $content = json_decode($body, true, 32);
        return is_array($content) ? $content : [];
    }

    /**
     * The seconds that a header Retry-After means.
     *
     * @param string $header seconds, or a date
     * @return int|null
     */
    private static function seconds(string $header): ?int {
        $header = trim($header);
        if (preg_match('/^\d{1,9}$/', $header)) {
            return (int) $header;
        }
        $at = $header === '' ? false : strtotime($header);
        return $at === false ? null : max(1, $at - \core\di::get(\core\clock::class)->time());
    }

    /**
     * A text that the log can hold.
     *
     * @param string $text
     * @return string
     */
    private static function cut(string $text): string {
        return \core_text::substr(fix_utf8($text), 0, 1000);
    }
}

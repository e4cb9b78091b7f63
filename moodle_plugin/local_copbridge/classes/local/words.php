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
 * Words for the service's codes and figures, in the reader's language and with the program's own names.
 *
 * All that is answered here is plain text: templates escape it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class words {
    /** @var string[] how somebody can stand, who needs help first */
    public const STATUSES = [
        'cannot_reach', 'behind', 'not_started', 'in_progress', 'on_pace', 'met', 'above', 'no_commitment',
    ];

    /** @var string[] components with words of the plugin's own */
    public const COMPONENTS = ['online', 'face_to_face', 'virtual', 'implementation'];

    /** @var string[] ways to meet */
    public const MODES = ['face_to_face', 'virtual', 'hybrid'];

    /** @var string[] what can be missing */
    public const MISSING = [
        'hours', 'activity', 'activities', 'session', 'sessions', 'milestone', 'milestones', 'cycles', 'phase', 'any_of',
        'setting', 'calendar',
    ];

    /** @var string[] why something earned nothing */
    public const REASONS = [
        'no_rule', 'not_passed', 'undone', 'ended', 'overridden', 'provisional', 'unknown_activity',
        'mode_without_component', 'not_long_enough', 'status_without_weight', 'length_unknown', 'not_proven',
        'not_approved', 'counts_elsewhere', 'copied', 'late', 'not_a_participant', 'zero_minutes', 'to_be_set',
    ];

    /** @var string[] lines that are about neither an activity nor a session */
    public const OTHERS = ['adjustment', 'self_report', 'milestone', 'best_of', 'cap', 'rounding'];

    /**
     * Words for one community.
     *
     * @param array $names the program's names by what they name, then by language
     * @param string|null $timezone the community's, for days; null: the reader's
     */
    public function __construct(
        /** @var array the program's names */
        private readonly array $names = [],
        /** @var string|null the community's time zone */
        private readonly ?string $timezone = null,
    ) {
    }

    /**
     * Words for a community as the service told of it.
     *
     * @param \stdClass|null $course
     * @return self
     */
    public static function of_course(?\stdClass $course): self {
        $names = array_map(fn($bylanguage): array => (array) $bylanguage, (array) ($course->names ?? []));
        return new self($names, ($course->timezone ?? '') ?: null);
    }

    /**
     * What the program calls something, in the reader's language if it can be had.
     *
     * @param string $key such as milestone:council_report
     * @param string|null $code what to read where there is no name; null: the last part of the key
     * @return string
     */
    public function name(string $key, ?string $code = null): string {
        $found = array_filter($this->names[$key] ?? [], fn($name): bool => is_string($name) && trim($name) !== '');
        $language = current_language();
        foreach ([...array_reverse(get_string_manager()->get_language_dependencies($language)), $language, 'en'] as $wanted) {
            // Moodle writes es_mx where the rest of the world writes es-MX.
            foreach ([$wanted, str_replace('_', '-', $wanted), strtok($wanted, '_')] as $spelling) {
                if (isset($found[$spelling])) {
                    return $found[$spelling];
                }
            }
        }
        return $found ? reset($found) : self::plain($code ?? substr(strrchr(":$key", ':'), 1));
    }

    /**
     * How somebody stands.
     *
     * @param string $code
     * @return string
     */
    public function status(string $code): string {
        return self::known('status', self::STATUSES, $code) ?? self::plain($code);
    }

    /**
     * How somebody stands, in a sentence.
     *
     * @param string $code
     * @return string
     */
    public function status_sentence(string $code): string {
        return self::known('statustext', self::STATUSES, $code) ?? '';
    }

    /**
     * A kind of hours.
     *
     * @param string $code
     * @return string
     */
    public function component(string $code): string {
        return self::known('component', self::COMPONENTS, $code) ?? $this->name("component:$code", $code);
    }

    /**
     * A way to meet.
     *
     * @param string $code
     * @return string
     */
    public function mode(string $code): string {
        return self::known('mode', self::MODES, $code) ?? $this->name("mode:$code", $code);
    }

    /**
     * Why something earned nothing.
     *
     * @param string $code
     * @return string
     */
    public function reason(string $code): string {
        return self::known('reason', self::REASONS, $code) ?? get_string('reason_other', 'local_copbridge');
    }

    /**
     * A line that is about neither an activity nor a session.
     *
     * @param string $what
     * @param string $title its code or name; may be empty
     * @return string
     */
    public function other(string $what, string $title): string {
        $what = str_replace('-', '_', $what);
        if ($what === 'milestone' && $title !== '') {
            return $this->name("milestone:$title", $title);
        }
        $words = self::known('other', self::OTHERS, $what) ?? get_string('other_line', 'local_copbridge');
        if ($title === '') {
            return $words;
        }
        return get_string('other_named', 'local_copbridge', ['what' => $words, 'title' => $this->name("$what:$title", $title)]);
    }

    /**
     * An amount of time as people read it: 2 h 30 min.
     *
     * @param int $minutes
     * @return string
     */
    public static function hours(int $minutes): string {
        [$hours, $rest] = [intdiv(abs($minutes), 60), abs($minutes) % 60];
        $words = match (true) {
            $rest === 0 => get_string('hours_h', 'local_copbridge', $hours),
            $hours === 0 => get_string('hours_min', 'local_copbridge', $rest),
            default => get_string('hours_hmin', 'local_copbridge', ['hours' => $hours, 'minutes' => $rest]),
        };
        return $minutes < 0 ? '−' . $words : $words;
    }

    /**
     * What is asked for: 16–20 h.
     *
     * @param int $low
     * @param int $high
     * @return string
     */
    public static function band(int $low, int $high): string {
        if ($low === $high) {
            return self::hours($low);
        }
        if ($low % 60 || $high % 60) {
            return get_string('band', 'local_copbridge', ['low' => self::hours($low), 'high' => self::hours($high)]);
        }
        return get_string('band_hours', 'local_copbridge', ['low' => intdiv($low, 60), 'high' => intdiv($high, 60)]);
    }

    /**
     * The day of a moment, where the community is.
     *
     * @param int $moment
     * @return string
     */
    public function day(int $moment): string {
        return userdate($moment, get_string('strftimedate', 'core_langconfig'), $this->timezone ?? 99);
    }

    /**
     * A moment on the reader's clock.
     *
     * @param int $moment
     * @return string
     */
    public static function moment(int $moment): string {
        return userdate($moment, get_string('strftimedatetime', 'core_langconfig'));
    }

    /**
     * Words that differ for one and for several.
     *
     * @param string $key
     * @param int $count
     * @param mixed $a what the words need, by default the number
     * @return string
     */
    public static function counted(string $key, int $count, mixed $a = null): string {
        // The number goes along as text: a 0 would be taken for nothing.
        return get_string($key . ($count === 1 ? '_one' : '_many'), 'local_copbridge', $a ?? (string) $count);
    }

    /**
     * A code that somebody made up, as it is read.
     *
     * @param string $code
     * @return string
     */
    public static function plain(string $code): string {
        return str_replace('_', ' ', $code);
    }

    /**
     * The plugin's words for a code that it knows.
     *
     * @param string $topic
     * @param string[] $codes
     * @param string $code
     * @return string|null null for another code
     */
    private static function known(string $topic, array $codes, string $code): ?string {
        return in_array($code, $codes, true) ? get_string("{$topic}_{$code}", 'local_copbridge') : null;
    }
}

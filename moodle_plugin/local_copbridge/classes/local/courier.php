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
 * Takes one body to the receiver, signed anew each time, and brings back how it went.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class courier {
    /**
     * A courier.
     *
     * @param transport $transport
     */
    public function __construct(
        /** @var transport */
        private readonly transport $transport,
    ) {
    }

    /**
     * Posts a body, notes it in the log, and says when to come back where it was not taken.
     *
     * @param body $body
     * @return result
     */
    public function post(body $body): result {
        $id = \core\uuid::generate();
        $headers = signature::headers($id, time(), $body->json, settings::secrets());
        $began = microtime(true);
        try {
            $headers = ['Content-Type' => 'application/json'] + $headers;
            $answer = $this->transport->post(settings::endpoint(), $headers, $body->json);
        } catch (\Throwable $e) {
            // Moodle's client throws, too: a site with a broken proxy must not break the task.
            $answer = new answer(0, '', '', 'unreachable', $e->getMessage());
        }
        $result = self::judged(result::of($answer), $body);
        deliveries::note($body, $result, (int) round((microtime(true) - $began) * 1000));
        if ($result->outcome === result::DELIVERED) {
            backoff::succeeded();
        }
        return $result;
    }

    /**
     * A result with what its items say: a copy that nobody has confirmed, readings that were not taken.
     *
     * @param result $result
     * @param body $body
     * @return result
     */
    private static function judged(result $result, body $body): result {
        $reasons = [];
        foreach ($result->items as $item => [$fate, $reason]) {
            if ($fate !== 'quarantined') {
                continue;
            }
            if ($reason === 'unconfirmed_copy') {
                return $result->but(result::UNCONFIRMED, '');
            }
            [$part, $number] = explode('/', $item) + ['', ''];
            $what = $part === 'readings' ? $body->kinds[(int) $number] ?? 'reading' : 'event';
            $reasons["$what $reason"] = ($reasons["$what $reason"] ?? 0) + 1;
        }
        if (!$reasons) {
            return $result;
        }
        $words = [];
        foreach ($reasons as $reason => $count) {
            $words[] = "$count quarantined: $reason";
        }
        return $result->but($result->outcome, implode('; ', $words));
    }
}

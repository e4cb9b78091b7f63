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

namespace local_copbridge\output\status;

use local_copbridge\local\words;

/**
 * Moments in words.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class times {
    /**
     * A moment that is past, and how long ago it was.
     *
     * @param int $moment 0: it never was
     * @return string
     */
    public static function ago(int $moment): string {
        if ($moment <= 0) {
            return get_string('never');
        }
        $seconds = max(0, self::now() - $moment);
        if ($seconds < MINSECS) {
            return get_string('admin_time_now', 'local_copbridge');
        }
        // The larger unit is enough: nobody needs the seconds of three hours.
        $unit = array_values(array_filter([DAYSECS, HOURSECS, MINSECS], static fn(int $one): bool => $seconds >= $one))[0];
        $ago = format_time(intdiv($seconds, $unit) * $unit);
        return get_string('admin_time_ago', 'local_copbridge', ['moment' => words::moment($moment), 'ago' => $ago]);
    }

    /**
     * The present second.
     *
     * @return int
     */
    public static function now(): int {
        return \core\di::get(\core\clock::class)->time();
    }
}

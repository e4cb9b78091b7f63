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

namespace local_copbridge\local\provision;

use local_copbridge\external\gate as external_gate;

/**
 * Who may write to a course: the function's own capability there, and only in courses that were chosen.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class gate {
    /**
     * The course, where the caller may write to it.
     *
     * Moodle's own capabilities (to manage activities, to override completion) are deliberately not asked for as well: with
     * them an account could do far more, by other functions, than what ours do.
     *
     * @param int $courseid
     * @param string $capability without "local/copbridge:"
     * @return \stdClass the course
     */
    public static function course(int $courseid, string $capability): \stdClass {
        global $DB;
        $course = $DB->get_record('course', ['id' => $courseid]);
        if (!$course || (int) $course->id === (int) SITEID) {
            throw new problem('nocourse', $courseid);
        }
        external_gate::course((int) $course->id, $capability);
        return $course;
    }

    /**
     * Refuses a call with more rows than one request should do.
     *
     * @param int $count
     * @param int $limit
     */
    public static function bound(int $count, int $limit): void {
        if ($count > $limit) {
            throw new problem('toomany', ['count' => $count, 'limit' => $limit]);
        }
    }
}

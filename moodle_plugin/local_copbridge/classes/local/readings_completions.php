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

use stdClass;

/**
 * Readings of completion, row by row: what some events need. A whole course is told by get_completions.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class readings_completions {
    /** @var int How many users' rows a query asks for at most. */
    private const USERS = 100;

    /**
     * Rows of completion; one that isn't there is told as gone.
     *
     * @param array[] $triples course id, user id and course module id of each
     * @return array[] user by user
     */
    public function completions(array $triples): array {
        $courses = [];
        foreach ($triples as [$courseid, $userid, $cmid]) {
            $courses[$userid][$cmid] = (int) $courseid;
        }
        $found = [];
        foreach (array_chunk($courses, self::USERS, true) as $chunk) {
            $at = plain::now();
            $rows = self::completion_rows($chunk);
            foreach ($chunk as $userid => $modules) {
                foreach ($modules as $cmid => $courseid) {
                    $key = ['module' => (int) $cmid, 'course' => $courseid, 'user' => (int) $userid];
                    $found[] = ['kind' => 'completion', 'read_at' => $at] + $key + self::completion($rows["$userid $cmid"] ?? null);
                }
            }
        }
        return $found;
    }

    /**
     * Rows of completion of some users, of each in some activities.
     *
     * @param array[] $users arrays with the ids of course modules as keys, by user id
     * @return stdClass[] by user id and course module id
     */
    private static function completion_rows(array $users): array {
        global $DB;
        $where = [];
        $params = [];
        $found = [];
        // User by user, because the table's unique index begins with the user.
        foreach ($users as $userid => $modules) {
            [$in, $cmids] = $DB->get_in_or_equal(array_keys($modules));
            $where[] = "(userid = ? AND coursemoduleid $in)";
            array_push($params, $userid, ...$cmids);
        }
        $rows = $DB->get_records_select(
            'course_modules_completion',
            implode(' OR ', $where),
            $params,
            '',
            'id, userid, coursemoduleid, completionstate, timemodified, overrideby'
        );
        foreach ($rows as $row) {
            $found["$row->userid $row->coursemoduleid"] = $row;
        }
        return $found;
    }

    /**
     * What a completion's reading tells of its row.
     *
     * @param stdClass|null $row
     * @return array
     */
    private static function completion(?stdClass $row): array {
        return $row === null ? ['present' => false] : [
            'present' => true,
            'state' => plain::state($row->completionstate),
            'timemodified' => plain::second($row->timemodified),
            'overrideby' => plain::id($row->overrideby),
        ];
    }
}

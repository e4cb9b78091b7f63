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

namespace local_copbridge\external;

use core_external\external_api;
use core_external\external_function_parameters;
use core_external\external_multiple_structure;
use core_external\external_single_structure;
use core_external\external_value;
use local_copbridge\local\among;
use local_copbridge\local\plain;
use local_copbridge\local\primary;
use moodle_recordset;

/**
 * Rows of completion of a course, of all users or some, page by page.
 *
 * The rows are one JSON text: Moodle would check each number of a typed answer by itself, which takes longer than
 * reading them. Rows of deleted users are told, because they are there.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class get_completions extends external_api {
    /** @var int How many rows a page has at most. */
    private const MOST = 20000;

    /**
     * Parameters.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'courseid' => new external_value(PARAM_INT, 'The course'),
            'modules' => new external_multiple_structure(
                new external_value(PARAM_INT, 'A course module'),
                'Only these activities; none: all',
                VALUE_DEFAULT,
                []
            ),
            'aftermodule' => new external_value(PARAM_INT, 'The course module of the last row known', VALUE_DEFAULT, 0),
            'afteruser' => new external_value(PARAM_INT, 'The user of the last row known', VALUE_DEFAULT, 0),
            'limit' => new external_value(PARAM_INT, 'How many rows at most', VALUE_DEFAULT, 5000),
            'users' => new external_value(PARAM_SEQUENCE, 'Only the rows of these users; empty: of everybody', VALUE_DEFAULT, ''),
        ]);
    }

    /**
     * The next rows, by course module and user.
     *
     * @param int $courseid
     * @param int[] $modules
     * @param int $aftermodule
     * @param int $afteruser
     * @param int $limit
     * @param string $users ids, with commas between them
     * @return array
     */
    public static function execute(
        int $courseid,
        array $modules = [],
        int $aftermodule = 0,
        int $afteruser = 0,
        int $limit = 5000,
        string $users = ''
    ): array {
        $asked = self::validate_parameters(self::execute_parameters(), [
            'courseid' => $courseid,
            'modules' => $modules,
            'aftermodule' => $aftermodule,
            'afteruser' => $afteruser,
            'limit' => $limit,
            'users' => $users,
        ]);
        gate::course($asked['courseid'], 'getcompletions');
        $limit = gate::page($asked['limit'], self::MOST);
        return primary::read(function () use ($asked, $limit): array {
            $at = plain::now();
            $rows = self::rows($asked, $limit + 1);
            [$text, $count] = self::text($rows, $limit);
            $rows->close();
            return ['readat' => $at, 'rows' => $text, 'more' => $count > $limit];
        });
    }

    /**
     * One query for a page. It goes on after a row, not after a number of rows: a row that comes or goes on the way
     * moves no other.
     *
     * @param array $asked the parameters of this function
     * @param int $limit how many rows
     * @return moodle_recordset
     */
    private static function rows(array $asked, int $limit): moodle_recordset {
        global $DB;
        $modules = among::sql('cm.id', $asked['modules'] ?: null);
        $users = among::sql('c.userid', among::ids($asked['users']));
        return $DB->get_recordset_sql("
            SELECT c.coursemoduleid, c.userid, c.completionstate, c.timemodified, c.overrideby
              FROM {course_modules_completion} c
              JOIN {course_modules} cm ON cm.id = c.coursemoduleid
             WHERE cm.course = ? AND cm.deletioninprogress = 0 AND $modules AND $users
                   AND cm.id >= ? AND (c.coursemoduleid > ? OR c.userid > ?)
          ORDER BY c.coursemoduleid, c.userid", [
            $asked['courseid'],
            $asked['aftermodule'],
            $asked['aftermodule'],
            $asked['afteruser'],
        ], 0, $limit);
    }

    /**
     * Rows as JSON, row by row, so that they are never held twice.
     *
     * @param moodle_recordset $rows
     * @param int $limit how many to tell; those beyond are only counted
     * @return array the text, and how many rows there were
     */
    private static function text(moodle_recordset $rows, int $limit): array {
        $text = '';
        $count = 0;
        foreach ($rows as $row) {
            if ($count++ >= $limit) {
                break;
            }
            $text .= ($text === '' ? '[' : ',[') . (int) $row->coursemoduleid . ',' . (int) $row->userid . ','
                . plain::state($row->completionstate) . ',' . plain::second($row->timemodified) . ','
                . (plain::id($row->overrideby) ?? 'null') . ']';
        }
        return ["[$text]", $count];
    }

    /**
     * What is answered.
     *
     * @return external_single_structure
     */
    public static function execute_returns(): external_single_structure {
        return new external_single_structure([
            'readat' => new external_value(PARAM_FLOAT, 'When the rows were read, on the clock of this site'),
            'rows' => new external_value(PARAM_RAW, 'JSON: [[course module, user, state, timemodified, overrideby or null], ...]'),
            'more' => new external_value(PARAM_BOOL, 'Whether there are more'),
        ]);
    }
}

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

/**
 * Counts and sums of rows of completion, by activity: whoever holds a copy sees where it differs.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class get_digest extends external_api {
    /** @var string[] What is told of each activity. */
    private const TOLD = [
        'module' => 'The course module',
        'incomplete' => 'Rows with state 0',
        'complete' => 'Rows with state 1',
        'passed' => 'Rows with state 2',
        'failed' => 'Rows with state 3',
        'latest' => 'The latest timemodified; 0: no rows',
        'highestid' => 'The highest id of a row; 0: no rows',
        'users' => 'The sum of userid',
        'times' => 'The sum of timemodified',
        'overridden' => 'The sum of overrideby',
    ];

    /**
     * Parameters.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'courseid' => new external_value(PARAM_INT, 'The course'),
            'users' => new external_value(PARAM_SEQUENCE, 'Only the rows of these users; empty: of everybody', VALUE_DEFAULT, ''),
        ]);
    }

    /**
     * A line for each activity that is tracked or has rows.
     *
     * @param int $courseid
     * @param string $users ids, with commas between them
     * @return array
     */
    public static function execute(int $courseid, string $users = ''): array {
        $asked = ['courseid' => $courseid, 'users' => $users];
        ['courseid' => $courseid, 'users' => $users] = self::validate_parameters(self::execute_parameters(), $asked);
        gate::course($courseid, 'getdigest');
        $lines = fn(): array => self::lines($courseid, among::ids($users));
        return primary::read(fn(): array => ['readat' => plain::now(), 'modules' => $lines()]);
    }

    /**
     * The lines, by one query, so that all are of one moment.
     *
     * @param int $courseid
     * @param int[]|null $users null: everybody
     * @return array[]
     */
    private static function lines(int $courseid, ?array $users): array {
        global $DB;
        $among = among::sql('c.userid', $users);
        $rows = $DB->get_records_sql("
            SELECT cm.id AS module,
                   SUM(CASE WHEN c.completionstate = 0 THEN 1 ELSE 0 END) AS incomplete,
                   SUM(CASE WHEN c.completionstate = 1 THEN 1 ELSE 0 END) AS complete,
                   SUM(CASE WHEN c.completionstate = 2 THEN 1 ELSE 0 END) AS passed,
                   SUM(CASE WHEN c.completionstate > 2 THEN 1 ELSE 0 END) AS failed,
                   MAX(c.timemodified) AS latest, MAX(c.id) AS highestid,
                   SUM(c.userid) AS users, SUM(c.timemodified) AS times, SUM(c.overrideby) AS overridden
              FROM {course_modules} cm
         LEFT JOIN {course_modules_completion} c ON c.coursemoduleid = cm.id AND $among
             WHERE cm.course = ? AND cm.deletioninprogress = 0
          GROUP BY cm.id, cm.completion
            HAVING cm.completion > 0 OR COUNT(c.id) > 0
          ORDER BY cm.id", [$courseid]);
        return array_map(fn(object $row): array => array_map('intval', (array) $row), array_values($rows));
    }

    /**
     * What is answered.
     *
     * @return external_single_structure
     */
    public static function execute_returns(): external_single_structure {
        $numbers = array_map(fn(string $meaning): external_value => new external_value(PARAM_INT, $meaning), self::TOLD);
        return new external_single_structure([
            'readat' => new external_value(PARAM_FLOAT, 'When it was counted, on the clock of this site'),
            'modules' => new external_multiple_structure(new external_single_structure($numbers)),
        ]);
    }
}

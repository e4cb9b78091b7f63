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
use local_copbridge\local\provision\gate;
use local_copbridge\local\provision\presence;
use local_copbridge\local\provision\work;

/**
 * Completes a session's activity for who was there.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class set_presence extends external_api {
    /** @var int rows of a call */
    private const LIMIT = 500;

    /**
     * What is asked.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'rows' => new external_multiple_structure(new external_single_structure([
                'cmid' => new external_value(PARAM_INT, 'the activity'),
                'userid' => new external_value(PARAM_INT, 'the participant'),
                'present' => new external_value(PARAM_BOOL, '1: was there; 0: was not'),
            ])),
        ]);
    }

    /**
     * Sets the presences, row by row.
     *
     * @param array $rows
     * @return array
     */
    public static function execute(array $rows): array {
        ['rows' => $rows] = self::validate_parameters(self::execute_parameters(), ['rows' => $rows]);
        gate::bound(count($rows), self::LIMIT);
        $courseof = self::courses($rows);
        $presences = [];
        // All courses are checked before the first row is written.
        foreach (array_unique($courseof) as $courseid) {
            $mine = array_filter($rows, fn(array $row): bool => ($courseof[$row['cmid']] ?? 0) === $courseid);
            $presences[$courseid] = new presence(gate::course($courseid, 'setpresence'), array_column($mine, 'userid'));
        }
        $outcomes = array_fill_keys(array_keys($rows), 'not_there');
        foreach ($presences as $courseid => $presence) {
            $mine = array_filter($rows, fn(array $row): bool => ($courseof[$row['cmid']] ?? 0) === $courseid);
            $set = fn(array $row): string => $presence->set($row['cmid'], $row['userid'], $row['present']);
            // Two calls with the same rows at the same time would both find nothing written yet.
            $outcomes = work::alone($courseid, fn(): array => array_map($set, $mine)) + $outcomes;
        }
        $answers = [];
        foreach ($rows as $place => $row) {
            $answers[] = ['cmid' => $row['cmid'], 'userid' => $row['userid'], 'outcome' => $outcomes[$place]];
        }
        return $answers;
    }

    /**
     * Which course each activity is of.
     *
     * @param array $rows
     * @return int[] by activity; without those that are not there
     */
    private static function courses(array $rows): array {
        global $DB;
        if (!$rows) {
            return [];
        }
        [$in, $params] = $DB->get_in_or_equal(array_unique(array_column($rows, 'cmid')));
        return array_map('intval', $DB->get_records_select_menu('course_modules', "id $in", $params, '', 'id, course'));
    }

    /**
     * What is answered.
     *
     * @return external_multiple_structure
     */
    public static function execute_returns(): external_multiple_structure {
        return new external_multiple_structure(new external_single_structure([
            'cmid' => new external_value(PARAM_INT, 'the activity'),
            'userid' => new external_value(PARAM_INT, 'the participant'),
            'outcome' => new external_value(
                PARAM_ALPHAEXT,
                'written, unchanged, changed_since, not_enrolled, not_tracked or not_there'
            ),
        ]));
    }
}

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
use local_copbridge\local\provision\activity_changer;
use local_copbridge\local\provision\gate;
use local_copbridge\local\provision\shapes;
use local_copbridge\local\provision\work;

/**
 * Sets completion rules, ID numbers, sections and hours of activities.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class set_activities extends external_api {
    /** @var int activities of a call */
    private const LIMIT = 200;

    /**
     * What is asked.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'courseid' => new external_value(PARAM_INT, 'the course'),
            'activities' => new external_multiple_structure(new external_single_structure([
                'cmid' => new external_value(PARAM_INT, 'the activity'),
                'idnumber' => new external_value(PARAM_RAW_TRIMMED, 'its ID number', VALUE_OPTIONAL),
                'name' => new external_value(PARAM_RAW_TRIMMED, 'its name', VALUE_OPTIONAL),
                'section' => new external_value(PARAM_INT, 'the number of its section', VALUE_OPTIONAL),
                'visible' => new external_value(PARAM_BOOL, '0: hidden', VALUE_OPTIONAL),
                'minutes' => new external_value(PARAM_INT, 'participation minutes; -1: none any more', VALUE_OPTIONAL),
                'component' => new external_value(PARAM_ALPHANUMEXT, 'component of the program, by code', VALUE_OPTIONAL),
                'completion' => shapes::completion(),
                'unlock' => new external_value(
                    PARAM_BOOL,
                    '1: change the rules even where Moodle then forgets who completed the activity',
                    VALUE_DEFAULT,
                    false
                ),
            ])),
        ]);
    }

    /**
     * Changes them, each wholly or not at all.
     *
     * @param int $courseid
     * @param array $activities
     * @return array
     */
    public static function execute(int $courseid, array $activities): array {
        ['courseid' => $courseid, 'activities' => $activities] = self::validate_parameters(
            self::execute_parameters(),
            ['courseid' => $courseid, 'activities' => $activities]
        );
        $course = gate::course($courseid, 'setactivities');
        gate::bound(count($activities), self::LIMIT);
        return work::alone($courseid, fn(): array => array_map([new activity_changer($course), 'change'], $activities));
    }

    /**
     * What is answered.
     *
     * @return external_multiple_structure
     */
    public static function execute_returns(): external_multiple_structure {
        return new external_multiple_structure(new external_single_structure([
            'cmid' => new external_value(PARAM_INT, 'the activity'),
            'outcome' => new external_value(PARAM_ALPHA, 'changed, unchanged, locked or failed'),
        ] + shapes::failure()));
    }
}

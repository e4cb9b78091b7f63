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
use local_copbridge\local\provision\course_fields;
use local_copbridge\local\provision\gate;

/**
 * Sets custom fields of a course.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class set_course_fields extends external_api {
    /**
     * What is asked.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'courseid' => new external_value(PARAM_INT, 'the course'),
            'fields' => new external_multiple_structure(new external_single_structure([
                'shortname' => new external_value(PARAM_ALPHANUMEXT, 'the field'),
                'value' => new external_value(PARAM_RAW, 'its value; of a menu the option\'s text, of a date Unix seconds'),
            ])),
        ]);
    }

    /**
     * Sets them, all or none.
     *
     * @param int $courseid
     * @param array $fields
     * @return array
     */
    public static function execute(int $courseid, array $fields): array {
        ['courseid' => $courseid, 'fields' => $fields] = self::validate_parameters(
            self::execute_parameters(),
            ['courseid' => $courseid, 'fields' => $fields]
        );
        $course = gate::course($courseid, 'setcoursefields');
        gate::bound(count($fields), 100);
        $changed = (new course_fields($course))->set(array_column($fields, 'value', 'shortname'));
        $tell = fn(array $field): array => [
            'shortname' => $field['shortname'],
            'outcome' => in_array($field['shortname'], $changed, true) ? 'changed' : 'unchanged',
        ];
        return array_map($tell, $fields);
    }

    /**
     * What is answered.
     *
     * @return external_multiple_structure
     */
    public static function execute_returns(): external_multiple_structure {
        return new external_multiple_structure(new external_single_structure([
            'shortname' => new external_value(PARAM_RAW, 'the field'),
            'outcome' => new external_value(PARAM_ALPHA, 'changed or unchanged'),
        ]));
    }
}

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
use local_copbridge\local\provision\sections;
use local_copbridge\local\provision\work;

/**
 * Names the sections of a course, and makes those that are missing.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class set_sections extends external_api {
    /** @var int sections of a call */
    private const LIMIT = 100;

    /**
     * What is asked.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'courseid' => new external_value(PARAM_INT, 'the course'),
            'sections' => new external_multiple_structure(new external_single_structure([
                'number' => new external_value(PARAM_INT, 'the section\'s number; 0: the one at the top'),
                'name' => new external_value(PARAM_RAW_TRIMMED, 'its name; empty: as the course\'s format names it'),
                'summary' => new external_value(PARAM_RAW, 'its summary, HTML', VALUE_OPTIONAL),
                'visible' => new external_value(PARAM_BOOL, '0: hidden, with what is in it', VALUE_OPTIONAL),
            ])),
        ]);
    }

    /**
     * Sets them, all or none.
     *
     * @param int $courseid
     * @param array $sections
     * @return array
     */
    public static function execute(int $courseid, array $sections): array {
        ['courseid' => $courseid, 'sections' => $wanted] = self::validate_parameters(
            self::execute_parameters(),
            ['courseid' => $courseid, 'sections' => $sections]
        );
        $course = gate::course($courseid, 'setsections');
        gate::bound(count($wanted), self::LIMIT);
        $sections = new sections($course);
        $set = fn(array $one): array => ['number' => $one['number'], 'outcome' => $sections->set($one)];
        return work::alone($courseid, fn(): array => work::whole($courseid, fn(): array => array_map($set, $wanted)));
    }

    /**
     * What is answered.
     *
     * @return external_multiple_structure
     */
    public static function execute_returns(): external_multiple_structure {
        return new external_multiple_structure(new external_single_structure([
            'number' => new external_value(PARAM_INT, 'the section\'s number'),
            'outcome' => new external_value(PARAM_ALPHA, 'created, changed or unchanged'),
        ]));
    }
}

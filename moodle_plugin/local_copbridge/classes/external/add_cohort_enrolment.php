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
use core_external\external_single_structure;
use core_external\external_value;
use local_copbridge\local\provision\cohort_enrolment;
use local_copbridge\local\provision\gate;
use local_copbridge\local\provision\work;

/**
 * Lets a cohort be enrolled in a course.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class add_cohort_enrolment extends external_api {
    /**
     * What is asked.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'courseid' => new external_value(PARAM_INT, 'the course'),
            'cohortid' => new external_value(PARAM_INT, 'the cohort'),
            'roleid' => new external_value(PARAM_INT, 'the role that its members get'),
            'groupid' => new external_value(PARAM_INT, 'the group that they come into; 0: none', VALUE_DEFAULT, 0),
        ]);
    }

    /**
     * Adds the enrolment, where it isn't there.
     *
     * @param int $courseid
     * @param int $cohortid
     * @param int $roleid
     * @param int $groupid
     * @return array
     */
    public static function execute(int $courseid, int $cohortid, int $roleid, int $groupid = 0): array {
        $asked = self::validate_parameters(
            self::execute_parameters(),
            ['courseid' => $courseid, 'cohortid' => $cohortid, 'roleid' => $roleid, 'groupid' => $groupid]
        );
        $enrolment = new cohort_enrolment(gate::course($asked['courseid'], 'addcohortenrolment'));
        return work::alone(
            $asked['courseid'],
            fn(): array => $enrolment->add($asked['cohortid'], $asked['roleid'], $asked['groupid'])
        );
    }

    /**
     * What is answered.
     *
     * @return external_single_structure
     */
    public static function execute_returns(): external_single_structure {
        return new external_single_structure([
            'enrolid' => new external_value(PARAM_INT, 'the enrolment method in the course'),
            'outcome' => new external_value(PARAM_ALPHA, 'created or there'),
            'members' => new external_value(PARAM_INT, 'members of the cohort'),
            'synced' => new external_value(PARAM_BOOL, '1: they are enrolled; 0: a task enrols them as cron runs'),
        ]);
    }
}

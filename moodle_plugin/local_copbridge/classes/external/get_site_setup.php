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
use local_copbridge\local\provision\gate as provision_gate;
use local_copbridge\local\provision\site_setup;

/**
 * What a site has that courses are set up with, and which courses would be handed over.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class get_site_setup extends external_api {
    /** @var int courses of a call */
    private const LIMIT = 1000;

    /**
     * Parameters.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'courses' => new external_multiple_structure(new external_single_structure([
                'idnumber' => new external_value(PARAM_RAW, 'the ID number that it would have'),
                'shortname' => new external_value(PARAM_RAW, 'the short name that it would have'),
                'category' => new external_value(PARAM_INT, 'a category that it would be in or below; 0: none that is there'),
            ]), 'courses that may come to be', VALUE_DEFAULT, []),
        ]);
    }

    /**
     * What the site has.
     *
     * @param array $courses
     * @return array
     */
    public static function execute(array $courses = []): array {
        ['courses' => $courses] = self::validate_parameters(self::execute_parameters(), ['courses' => $courses]);
        gate::site('getsitesetup');
        provision_gate::bound(count($courses), self::LIMIT);
        return site_setup::told($courses);
    }

    /**
     * What is answered.
     *
     * @return external_single_structure
     */
    public static function execute_returns(): external_single_structure {
        $raw = static fn(string $what): external_value => new external_value(PARAM_RAW, $what);
        $id = static fn(string $what): external_value => new external_value(PARAM_INT, $what);
        $bool = static fn(string $what): external_value => new external_value(PARAM_BOOL, $what);
        $rows = static fn(array $keys): external_multiple_structure => new external_multiple_structure(
            new external_single_structure($keys)
        );
        return new external_single_structure([
            'roles' => $rows([
                'id' => $id('the role'),
                'shortname' => $raw('its short name'),
                'archetype' => $raw('what it is made after; empty: nothing'),
                'assignable' => $bool('whether the calling account may assign it in courses'),
            ]),
            'fields' => $rows([
                'shortname' => $raw('a custom course field'),
                'type' => $raw('its kind'),
                'options' => new external_multiple_structure($raw('an option'), 'select: what it can be set to'),
                'required' => $bool('whether Moodle\'s form wants it'),
            ]),
            'cohorts' => $rows([
                'id' => $id('the cohort'),
                'idnumber' => $raw('its ID number'),
                'name' => $raw('its name'),
                'category' => $id('the category that it belongs to; 0: the site'),
                'members' => $id('how many members it has'),
            ]),
            'auths' => new external_multiple_structure($raw('an authentication method that is on')),
            'enrolments' => new external_multiple_structure($raw('an enrolment method that is on')),
            'completion' => $bool('whether completion tracking is on for the site'),
            'maxsections' => $id('how many sections a course may have'),
            'cohortsync' => $bool('whether cohorts can be enrolled'),
            'passwordpolicy' => $bool('whether passwords have to follow the site\'s policy'),
            'copiespeople' => $bool('whether the calling account copies courses with their people unless told not to'),
            'handedover' => new external_multiple_structure($bool('for each course: whether it would be handed over')),
        ]);
    }
}

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
use local_copbridge\local\standings;

/**
 * Keeps how participants stand, for their pages.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class set_standings extends external_api {
    /** @var int standings, and courses, that a call may have */
    public const MOST = 500;

    /**
     * What the function takes.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        $course = [
            'courseid' => new external_value(PARAM_INT, 'The course'),
            'asof' => new external_value(PARAM_INT, 'The moment that it is of, in Unix seconds; what is newer stands'),
            'data' => new external_value(PARAM_RAW, 'A document of docs/wire/standing.schema.json as JSON; empty: remove it'),
        ];
        $standing = ['userid' => new external_value(PARAM_INT, 'The participant')] + $course;
        $many = fn(array $keys, string $what): external_multiple_structure => new external_multiple_structure(
            new external_single_structure($keys),
            $what . ', at most ' . self::MOST,
            VALUE_DEFAULT,
            []
        );
        return new external_function_parameters([
            'standings' => $many($standing, 'How people stand'),
            'courses' => $many($course, 'What communities are called'),
        ]);
    }

    /**
     * Keeps what is right, and says what isn't.
     *
     * @param array $standings
     * @param array $courses
     * @return array
     */
    public static function execute(array $standings = [], array $courses = []): array {
        $params = self::validate_parameters(
            self::execute_parameters(),
            ['standings' => $standings, 'courses' => $courses]
        );
        $context = \context_system::instance();
        self::validate_context($context);
        require_capability('local/copbridge:setstandings', $context);
        if (max(count($params['standings']), count($params['courses'])) > self::MOST) {
            throw new \invalid_parameter_exception('At most ' . self::MOST . ' standings and courses a call');
        }
        return standings::keep($params['standings'], $params['courses']);
    }

    /**
     * What the function answers.
     *
     * @return external_single_structure
     */
    public static function execute_returns(): external_single_structure {
        return new external_single_structure([
            'kept' => new external_value(PARAM_INT, 'How many rows were kept or removed'),
            'refused' => new external_multiple_structure(new external_single_structure([
                'courseid' => new external_value(PARAM_INT, 'The course'),
                'userid' => new external_value(PARAM_INT, 'The participant; 0: the course itself'),
                'reason' => new external_value(PARAM_ALPHANUMEXT, 'malformed, notchosen, unknown_user or older'),
            ])),
            'held' => new external_value(PARAM_INT, 'How many standings are kept here by now'),
        ]);
    }
}

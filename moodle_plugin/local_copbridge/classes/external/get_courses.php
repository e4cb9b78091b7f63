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
use local_copbridge\local\plain;
use local_copbridge\local\readings;
use local_copbridge\local\scope;

/**
 * The courses that are handed over, page by page.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class get_courses extends external_api {
    /** @var int How many courses a page has at most. */
    private const MOST = 1000;

    /**
     * Parameters.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'after' => new external_value(PARAM_INT, 'Only courses with a higher id', VALUE_DEFAULT, 0),
            'limit' => new external_value(PARAM_INT, 'How many courses at most', VALUE_DEFAULT, 500),
        ]);
    }

    /**
     * Readings of the chosen courses, by id.
     *
     * @param int $after
     * @param int $limit
     * @return array
     */
    public static function execute(int $after = 0, int $limit = 500): array {
        ['after' => $after, 'limit' => $limit] =
            self::validate_parameters(self::execute_parameters(), ['after' => $after, 'limit' => $limit]);
        gate::site('getcourses');
        $ids = array_filter(scope::courses(), fn($id): bool => $id > $after);
        sort($ids);
        $page = array_slice($ids, 0, gate::page($limit, self::MOST));
        return [
            'readings' => plain::json(readings::configured()->courses($page)),
            'last' => end($page) ?: $after,
            'more' => count($page) < count($ids),
        ];
    }

    /**
     * What is answered.
     *
     * @return external_single_structure
     */
    public static function execute_returns(): external_single_structure {
        return new external_single_structure([
            'readings' => new external_value(PARAM_RAW, 'JSON: readings of courses'),
            'last' => new external_value(PARAM_INT, 'The id to go on after'),
            'more' => new external_value(PARAM_BOOL, 'Whether there are more'),
        ]);
    }
}

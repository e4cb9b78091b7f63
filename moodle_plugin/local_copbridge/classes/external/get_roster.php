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
use local_copbridge\local\among;
use local_copbridge\local\plain;
use local_copbridge\local\primary;
use local_copbridge\local\readings;

/**
 * Who takes part in a course, page by page; or whether, and how, some users do.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class get_roster extends external_api {
    /** @var int How many users a page has at most. */
    private const MOST = 2500;

    /**
     * Parameters.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([
            'courseid' => new external_value(PARAM_INT, 'The course'),
            'afteruser' => new external_value(PARAM_INT, 'Only users with a higher id', VALUE_DEFAULT, 0),
            'limit' => new external_value(PARAM_INT, 'How many users at most', VALUE_DEFAULT, 1000),
            'users' => new external_value(
                PARAM_SEQUENCE,
                'Exactly these users; empty: whoever takes part',
                VALUE_DEFAULT,
                ''
            ),
        ]);
    }

    /**
     * Readings of who has an enrolment, a role or a group in a course: of each the account, then the enrolment.
     *
     * Of users who are asked for by their ids, the enrolment is told in any case, be it of empty lists. The account is told
     * of who takes part; of anybody else only that it is gone, if it is.
     *
     * @param int $courseid
     * @param int $afteruser
     * @param int $limit
     * @param string $users ids, with commas between them
     * @return array
     */
    public static function execute(int $courseid, int $afteruser = 0, int $limit = 1000, string $users = ''): array {
        $asked = ['courseid' => $courseid, 'afteruser' => $afteruser, 'limit' => $limit, 'users' => $users];
        ['courseid' => $courseid, 'afteruser' => $afteruser, 'limit' => $limit, 'users' => $users] =
            self::validate_parameters(self::execute_parameters(), $asked);
        $context = gate::course($courseid, 'getroster');
        $limit = gate::page($limit, self::MOST);
        $some = among::ids($users);
        $ids = self::next($some, $afteruser, $limit + 1);
        $partakers = primary::read(fn(): array => self::users($courseid, $context->id, $afteruser, $limit + 1, $ids));
        $ids ??= $partakers;
        $page = array_slice($ids, 0, $limit);
        return [
            'readings' => plain::json(self::readings($courseid, $page, array_fill_keys($partakers, true))),
            'last' => end($page) ?: $afteruser,
            'more' => count($ids) > $limit,
        ];
    }

    /**
     * The next of the users who are asked for by their ids.
     *
     * @param int[]|null $some ascending; null: nobody is asked for by id
     * @param int $after
     * @param int $limit
     * @return int[]|null
     */
    private static function next(?array $some, int $after, int $limit): ?array {
        return $some === null ? null : array_slice(array_filter($some, fn(int $id): bool => $id > $after), 0, $limit);
    }

    /**
     * The readings of a page.
     *
     * @param int $courseid
     * @param int[] $page ids of users
     * @param bool[] $partakers true by the id of each user who takes part
     * @return array[]
     */
    private static function readings(int $courseid, array $page, array $partakers): array {
        $readings = readings::configured();
        $accounts = $readings->accounts($page);
        $enrolments = $readings->enrolments(array_map(fn(int $id): array => [$courseid, $id], $page));
        $told = [];
        foreach ($accounts as $number => $account) {
            if (!$account['present'] || isset($partakers[$account['user']])) {
                $told[] = $account;
            }
            $told[] = $enrolments[$number];
        }
        return $told;
    }

    /**
     * The next users who have anything to do with a course.
     *
     * @param int $courseid
     * @param int $contextid
     * @param int $after
     * @param int $limit
     * @param int[]|null $some only of these; null: of all
     * @return int[] by id
     */
    private static function users(int $courseid, int $contextid, int $after, int $limit, ?array $some): array {
        global $DB;
        [$enrolled, $assigned, $grouped] =
            array_map(fn(string $table): string => among::sql("$table.userid", $some), ['ue', 'ra', 'gm']);
        $rows = $DB->get_records_sql("
            SELECT t.userid
              FROM (SELECT ue.userid
                      FROM {user_enrolments} ue
                      JOIN {enrol} e ON e.id = ue.enrolid
                     WHERE e.courseid = ? AND ue.userid > ? AND $enrolled
                     UNION
                    SELECT ra.userid
                      FROM {role_assignments} ra
                     WHERE ra.contextid = ? AND ra.userid > ? AND $assigned
                     UNION
                    SELECT gm.userid
                      FROM {groups_members} gm
                      JOIN {groups} g ON g.id = gm.groupid
                     WHERE g.courseid = ? AND gm.userid > ? AND $grouped) t
          ORDER BY t.userid", [$courseid, $after, $contextid, $after, $courseid, $after], 0, $limit);
        return array_map('intval', array_keys($rows));
    }

    /**
     * What is answered.
     *
     * @return external_single_structure
     */
    public static function execute_returns(): external_single_structure {
        return new external_single_structure([
            'readings' => new external_value(PARAM_RAW, 'JSON: for each user the account, then the enrolment'),
            'last' => new external_value(PARAM_INT, 'The user to go on after'),
            'more' => new external_value(PARAM_BOOL, 'Whether there are more'),
        ]);
    }
}

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

namespace local_copbridge\privacy;

/**
 * The rows that are about people, and how they are deleted.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class rows {
    /** @var array[] by table: the level of their contexts, the field that says in which one, the field that says who */
    public const TABLES = [
        'outbox' => ['level' => CONTEXT_COURSE, 'in' => 'courseid', 'user' => 'userid'],
        'standing' => ['level' => CONTEXT_COURSE, 'in' => 'courseid', 'user' => 'userid'],
        'presence' => ['level' => CONTEXT_MODULE, 'in' => 'cmid', 'user' => 'userid'],
        'hours' => ['level' => CONTEXT_MODULE, 'in' => 'cmid', 'user' => 'usermodified'],
    ];

    /** @var string the event that has the service forget somebody, too */
    private const GONE = '\core\event\user_deleted';

    /**
     * Deletes what is about people in a context.
     *
     * @param \context $context
     * @param int[]|null $userids null: everybody
     */
    public static function delete(\context $context, ?array $userids = null): void {
        foreach (self::TABLES as $table => $what) {
            if ($context->contextlevel === $what['level']) {
                [$where, $params] = self::whose($what['user'], $userids);
                self::delete_rows($table, "{$what['in']} = :instance AND $where", $params + [
                    'instance' => $context->instanceid,
                ]);
            }
        }
        if ($context->contextlevel === CONTEXT_USER && ($userids === null || in_array((int) $context->instanceid, $userids))) {
            self::delete_rows('outbox', 'userid = :instance AND courseid = 0', ['instance' => $context->instanceid]);
        }
    }

    /**
     * Deletes rows of a table, as far as they are about somebody.
     *
     * @param string $table
     * @param string $where
     * @param array $params
     */
    private static function delete_rows(string $table, string $where, array $params): void {
        global $DB;
        if ($table === 'hours') {
            // The hours are the activity's; only who declared them is about somebody.
            $DB->set_field_select('local_copbridge_hours', 'usermodified', 0, $where, $params);
            return;
        }
        if ($table === 'outbox') {
            self::keep_farewells($where, $params);
            $where .= ' AND eventname <> :gone';
            $params['gone'] = self::GONE;
        }
        $DB->delete_records_select("local_copbridge_$table", $where, $params);
    }

    /**
     * That somebody's account is gone must still be told, or the service would keep what it knows. The id is enough for it:
     * name and address are taken out.
     *
     * @param string $where
     * @param array $params
     */
    private static function keep_farewells(string $where, array $params): void {
        global $DB;
        $where .= ' AND eventname = :gone';
        $rows = $DB->get_records_select('local_copbridge_outbox', $where, $params + ['gone' => self::GONE], '', 'id, data');
        foreach ($rows as $row) {
            $data = json_decode($row->data, true);
            $data = is_array($data) ? array_replace($data, ['other' => null]) : [];
            $DB->set_field('local_copbridge_outbox', 'data', json_encode((object) $data), ['id' => $row->id]);
        }
    }

    /**
     * The condition for rows of some people.
     *
     * @param string $field
     * @param int[]|null $userids null: of anybody
     * @return array SQL and parameters
     */
    private static function whose(string $field, ?array $userids): array {
        global $DB;
        if ($userids === null) {
            return ["$field > 0", []];
        }
        [$in, $params] = $DB->get_in_or_equal($userids ?: [0], SQL_PARAMS_NAMED, 'who');
        return ["$field > 0 AND $field $in", $params];
    }
}

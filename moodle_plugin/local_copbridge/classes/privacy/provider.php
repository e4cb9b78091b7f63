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

use core_privacy\local\metadata\collection;
use core_privacy\local\request\approved_contextlist;
use core_privacy\local\request\approved_userlist;
use core_privacy\local\request\contextlist;
use core_privacy\local\request\core_userlist_provider;
use core_privacy\local\request\userlist;

/**
 * What is known of people here, and what leaves the site.
 *
 * Where rows belong: a standing and an event of a course to the course, an event of an account alone to the user, presence
 * and declared hours to the activity.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class provider implements
    \core_privacy\local\metadata\provider,
    \core_privacy\local\request\plugin\provider,
    core_userlist_provider {
    #[\Override]
    public static function get_metadata(collection $collection): collection {
        $fields = static fn(string $table, string ...$names): array => array_combine(
            $names,
            array_map(static fn(string $name): string => "privacy:metadata:$table:$name", $names)
        );
        foreach (
            [
                'outbox' => ['userid', 'eventname', 'data', 'courseid', 'cmid', 'timecreated'],
                'standing' => ['userid', 'courseid', 'data', 'asof'],
                'presence' => ['userid', 'cmid', 'state', 'timewritten'],
                'hours' => ['usermodified', 'cmid', 'minutes', 'component', 'timemodified'],
            ] as $table => $names
        ) {
            $collection->add_database_table(
                "local_copbridge_$table",
                $fields($table, ...$names),
                "privacy:metadata:$table"
            );
        }
        $collection->add_external_location_link(
            'service',
            $fields('service', 'account', 'profilefields', 'enrolment', 'completion', 'event', 'identity'),
            'privacy:metadata:service'
        );
        return $collection;
    }

    #[\Override]
    public static function get_contexts_for_userid(int $userid): contextlist {
        $list = new contextlist();
        foreach (rows::TABLES as $table => $what) {
            $sql = "SELECT ctx.id
                      FROM {context} ctx
                      JOIN {local_copbridge_$table} t ON t.{$what['in']} = ctx.instanceid
                     WHERE ctx.contextlevel = :level AND t.{$what['user']} = :userid";
            $list->add_from_sql($sql, ['level' => $what['level'], 'userid' => $userid]);
        }
        $sql = 'SELECT ctx.id
                  FROM {context} ctx
                  JOIN {local_copbridge_outbox} t ON t.userid = ctx.instanceid
                 WHERE ctx.contextlevel = :level AND t.userid = :userid AND t.courseid = 0';
        $list->add_from_sql($sql, ['level' => CONTEXT_USER, 'userid' => $userid]);
        return $list;
    }

    #[\Override]
    public static function get_users_in_context(userlist $userlist): void {
        $context = $userlist->get_context();
        foreach (rows::TABLES as $table => $what) {
            if ($context->contextlevel === $what['level']) {
                $userlist->add_from_sql('userid', "SELECT {$what['user']} AS userid
                                                     FROM {local_copbridge_$table}
                                                    WHERE {$what['in']} = :instance AND {$what['user']} > 0", [
                    'instance' => $context->instanceid,
                ]);
            }
        }
        if ($context->contextlevel === CONTEXT_USER) {
            $userlist->add_from_sql('userid', 'SELECT userid
                                                 FROM {local_copbridge_outbox}
                                                WHERE userid = :instance AND courseid = 0', [
                'instance' => $context->instanceid,
            ]);
        }
    }

    #[\Override]
    public static function export_user_data(approved_contextlist $contextlist): void {
        foreach ($contextlist->get_contexts() as $context) {
            export::context($context, (int) $contextlist->get_user()->id);
        }
    }

    #[\Override]
    public static function delete_data_for_all_users_in_context(\context $context): void {
        rows::delete($context);
    }

    #[\Override]
    public static function delete_data_for_user(approved_contextlist $contextlist): void {
        foreach ($contextlist->get_contexts() as $context) {
            rows::delete($context, [(int) $contextlist->get_user()->id]);
        }
    }

    #[\Override]
    public static function delete_data_for_users(approved_userlist $userlist): void {
        rows::delete($userlist->get_context(), array_map('intval', $userlist->get_userids()));
    }
}

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

namespace local_copbridge\local;

use stdClass;

/**
 * Readings of people: accounts, and how they take part in a course.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class readings_people {
    /** @var int How many enrolments or roles in a course the wire takes of a user; of a group as many groupings. */
    private const MAX_ROWS = 50;

    /** @var int How many groups of a user in a course the wire takes. */
    private const MAX_GROUPS = 200;

    /**
     * Readings with some profile fields.
     *
     * @param string[] $profilefields short names of the custom profile fields that are handed over
     */
    public function __construct(
        /** @var string[] */
        private readonly array $profilefields,
    ) {
    }

    /**
     * Accounts; one that is deleted is told as gone.
     *
     * @param int[] $userids
     * @return array[] in the order of the ids
     */
    public function accounts(array $userids): array {
        global $DB;
        $found = [];
        foreach (array_chunk($userids, readings::CHUNK) as $chunk) {
            $at = plain::now();
            [$in, $params] = $DB->get_in_or_equal($chunk);
            $rows = $DB->get_records_select(
                'user',
                "id $in AND deleted = 0",
                $params,
                '',
                'id, username, idnumber, email, firstname, lastname, suspended'
            );
            $fields = custom_fields::of_users(array_keys($rows), $this->profilefields);
            foreach ($chunk as $id) {
                $found[] = ['kind' => 'account', 'read_at' => $at, 'user' => (int) $id]
                    + (isset($rows[$id]) ? self::account($rows[$id], $fields[$id]) : ['present' => false]);
            }
        }
        return $found;
    }

    /**
     * What an account's reading tells of it.
     *
     * @param stdClass $row
     * @param string[] $profile
     * @return array
     */
    private static function account(stdClass $row, array $profile): array {
        return [
            'present' => true,
            'username' => plain::text($row->username),
            'idnumber' => plain::text($row->idnumber),
            'email' => plain::text($row->email),
            'firstname' => plain::text($row->firstname),
            'lastname' => plain::text($row->lastname),
            'suspended' => (bool) $row->suspended,
            'profile' => (object) $profile,
        ];
    }

    /**
     * How users take part in courses.
     *
     * @param array[] $pairs course id and user id of each
     * @return array[] course by course
     */
    public function enrolments(array $pairs): array {
        $users = [];
        foreach ($pairs as [$courseid, $userid]) {
            $users[$courseid][$userid] = (int) $userid;
        }
        $found = [];
        foreach ($users as $courseid => $userids) {
            $found[] = $this->in_course($courseid, array_values($userids));
        }
        return array_merge([], ...$found);
    }

    /**
     * How some users take part in a course: all their enrolments, roles and groups there, be it none.
     *
     * @param int $courseid
     * @param int[] $userids
     * @return array[] in the order of the ids
     */
    private function in_course(int $courseid, array $userids): array {
        $found = [];
        foreach (array_chunk($userids, readings::CHUNK) as $chunk) {
            $at = plain::now();
            $enrolments = self::enrolment_rows($courseid, $chunk);
            $roles = self::role_rows($courseid, $chunk);
            $groups = self::group_rows($courseid, $chunk);
            foreach ($chunk as $userid) {
                $found[] = [
                    'kind' => 'enrolment',
                    'read_at' => $at,
                    'course' => $courseid,
                    'user' => (int) $userid,
                    'enrolments' => array_slice($enrolments[$userid] ?? [], 0, self::MAX_ROWS),
                    'roles' => array_slice($roles[$userid] ?? [], 0, self::MAX_ROWS),
                    'groups' => array_slice($groups[$userid] ?? [], 0, self::MAX_GROUPS),
                ];
            }
        }
        return $found;
    }

    /**
     * The enrolments of some users in a course, of whatever status and dates.
     *
     * An enrolment by a method that is switched off in the course lets nobody in: it is told as suspended.
     *
     * @param int $courseid
     * @param int[] $userids
     * @return array[] by user id
     */
    private static function enrolment_rows(int $courseid, array $userids): array {
        global $DB;
        [$in, $params] = $DB->get_in_or_equal($userids);
        $rows = $DB->get_recordset_sql("
            SELECT ue.id, ue.userid, ue.status, ue.timestart, ue.timeend, e.enrol, e.status AS methodstatus
              FROM {user_enrolments} ue
              JOIN {enrol} e ON e.id = ue.enrolid
             WHERE e.courseid = ? AND ue.userid $in
          ORDER BY ue.userid, ue.id", array_merge([$courseid], $params));
        $found = [];
        foreach ($rows as $row) {
            $active = (int) $row->status === ENROL_USER_ACTIVE && (int) $row->methodstatus === ENROL_INSTANCE_ENABLED;
            $found[$row->userid][] = [
                'id' => (int) $row->id,
                'method' => plain::text($row->enrol, 50),
                'status' => $active ? 0 : 1,
                'timestart' => plain::second($row->timestart),
                'timeend' => plain::second($row->timeend),
            ];
        }
        $rows->close();
        return $found;
    }

    /**
     * The roles of some users in a course's own context.
     *
     * @param int $courseid
     * @param int[] $userids
     * @return array[] by user id
     */
    private static function role_rows(int $courseid, array $userids): array {
        global $DB;
        [$in, $params] = $DB->get_in_or_equal($userids);
        $rows = $DB->get_recordset_sql("
            SELECT ra.id, ra.userid, ra.roleid, r.shortname
              FROM {role_assignments} ra
              JOIN {context} x ON x.id = ra.contextid
              JOIN {role} r ON r.id = ra.roleid
             WHERE x.contextlevel = ? AND x.instanceid = ? AND ra.userid $in
          ORDER BY ra.userid, ra.id", array_merge([CONTEXT_COURSE, $courseid], $params));
        $found = [];
        foreach ($rows as $row) {
            $found[$row->userid][] = [
                'id' => (int) $row->id,
                'role' => (int) $row->roleid,
                'shortname' => plain::text($row->shortname, 100),
            ];
        }
        $rows->close();
        return $found;
    }

    /**
     * The groups of some users in a course.
     *
     * @param int $courseid
     * @param int[] $userids
     * @return array[] by user id
     */
    private static function group_rows(int $courseid, array $userids): array {
        global $DB;
        $groups = self::groups($courseid);
        if (!$groups) {
            return [];
        }
        [$in, $params] = $DB->get_in_or_equal($userids);
        $rows = $DB->get_recordset_sql("
            SELECT gm.id, gm.userid, gm.groupid
              FROM {groups_members} gm
              JOIN {groups} g ON g.id = gm.groupid
             WHERE g.courseid = ? AND gm.userid $in
          ORDER BY gm.userid, gm.groupid", array_merge([$courseid], $params));
        $found = [];
        foreach ($rows as $row) {
            // A group that was made between the two queries is told by its own event.
            if (isset($groups[$row->groupid])) {
                $found[$row->userid][] = $groups[$row->groupid];
            }
        }
        $rows->close();
        return $found;
    }

    /**
     * The groups of a course, with the groupings that each is in.
     *
     * @param int $courseid
     * @return array[] by id
     */
    private static function groups(int $courseid): array {
        global $DB;
        $found = [];
        foreach ($DB->get_records('groups', ['courseid' => $courseid], 'id', 'id, name, idnumber') as $id => $row) {
            $found[$id] = [
                'id' => (int) $id,
                'name' => plain::text($row->name),
                'idnumber' => plain::text($row->idnumber),
                'groupings' => [],
            ];
        }
        $rows = $DB->get_recordset_sql("
            SELECT gg.id, gg.groupid, k.name, k.idnumber
              FROM {groupings_groups} gg
              JOIN {groupings} k ON k.id = gg.groupingid
             WHERE k.courseid = ?
          ORDER BY gg.groupid, k.id", [$courseid]);
        foreach ($rows as $row) {
            if (isset($found[$row->groupid]) && count($found[$row->groupid]['groupings']) < self::MAX_ROWS) {
                $found[$row->groupid]['groupings'][] = plain::text((string) $row->idnumber === '' ? $row->name : $row->idnumber);
            }
        }
        $rows->close();
        return $found;
    }
}

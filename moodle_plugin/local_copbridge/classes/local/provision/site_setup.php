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

namespace local_copbridge\local\provision;

use core_course\customfield\course_handler;
use core_customfield\field_controller;
use local_copbridge\local\scope;

/**
 * What a site has that courses are set up with.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class site_setup {
    /**
     * All of it.
     *
     * @param array[] $courses idnumber, shortname and category of courses that may come to be
     * @return array
     */
    public static function told(array $courses): array {
        global $CFG;
        require_once($CFG->libdir . '/completionlib.php');
        $system = \context_system::instance();
        return [
            'roles' => self::roles(),
            'fields' => array_map(self::field(...), array_values(course_handler::create()->get_fields())),
            'cohorts' => self::cohorts(),
            'auths' => array_values(get_enabled_auth_plugins()),
            'enrolments' => array_keys(enrol_get_plugins(true)),
            'completion' => (bool) \completion_info::is_enabled_for_site(),
            'maxsections' => (int) get_config('moodlecourse', 'maxsections'),
            'cohortsync' => enrol_is_enabled('cohort'),
            'passwordpolicy' => !empty($CFG->passwordpolicy),
            'copiespeople' => has_capability('moodle/backup:userinfo', $system)
                && has_capability('moodle/restore:userinfo', $system),
            'handedover' => scope::would_have($courses),
        ];
    }

    /**
     * The roles.
     *
     * @return array[]
     */
    private static function roles(): array {
        // The front page is a course to Moodle: what may be assigned there may be in every course.
        $assignable = get_assignable_roles(\context_course::instance(SITEID), ROLENAME_SHORT);
        return array_map(static fn(\stdClass $role): array => [
            'id' => (int) $role->id,
            'shortname' => $role->shortname,
            'archetype' => $role->archetype,
            'assignable' => isset($assignable[$role->id]),
        ], array_values(get_all_roles()));
    }

    /**
     * A custom field of courses.
     *
     * @param field_controller $field
     * @return array
     */
    private static function field(field_controller $field): array {
        return [
            'shortname' => $field->get('shortname'),
            'type' => $field->get('type'),
            'options' => $field->get('type') === 'select' ? array_slice(course_fields::options($field), 1) : [],
            'required' => (bool) $field->get_configdata_property('required'),
        ];
    }

    /**
     * The cohorts, with the number of their members.
     *
     * @return array[]
     */
    private static function cohorts(): array {
        global $DB;
        $rows = $DB->get_records_sql(
            'SELECT c.id, c.idnumber, c.name, x.contextlevel, x.instanceid, COUNT(m.id) AS members
               FROM {cohort} c
               JOIN {context} x ON x.id = c.contextid
          LEFT JOIN {cohort_members} m ON m.cohortid = c.id
           GROUP BY c.id, c.idnumber, c.name, x.contextlevel, x.instanceid
           ORDER BY c.id'
        );
        return array_map(static fn(\stdClass $row): array => [
            'id' => (int) $row->id,
            'idnumber' => (string) $row->idnumber,
            'name' => (string) $row->name,
            'category' => (int) $row->contextlevel === CONTEXT_COURSECAT ? (int) $row->instanceid : 0,
            'members' => (int) $row->members,
        ], array_values($rows));
    }
}

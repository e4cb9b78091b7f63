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

/**
 * The role of the account that sets up courses: what the functions of its service ask for, and nothing else.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class provisioning_role extends made_role {
    /** @var string its short name */
    public const SHORTNAME = 'copbridge_provisioner';

    /** @var string the external service that it is for */
    public const SERVICE = 'local_copbridge_provisioning';

    /**
     * @var string[] why each of Moodle's own capabilities is needed, by its name
     *
     * Deliberately not among them: moodle/backup:userinfo and moodle/restore:userinfo. Without them a copy of a course never
     * has people in it, whatever is asked for.
     */
    public const REASONS = [
        'webservice/rest:use' => 'to call functions at all',
        'moodle/course:view' => 'to enter courses without being enrolled',
        'moodle/course:viewhiddencourses' => 'a course is hidden until it has been checked',
        'moodle/category:viewhiddencategories' => 'courses may be in hidden categories',
        'moodle/category:manage' => 'core_course_create_categories; core_course_get_categories tells ID numbers',
        'moodle/course:create' => 'core_course_create_courses, core_course_duplicate_course',
        'moodle/course:visibility' => 'core_course_create_courses and core_course_update_courses: hidden, shown',
        'moodle/course:update' => 'core_course_update_courses; who lacks it becomes a teacher of each course that is copied',
        'moodle/course:changecategory' => 'core_course_update_courses: another category',
        'moodle/course:changefullname' => 'core_course_update_courses: the name',
        'moodle/course:changeshortname' => 'core_course_update_courses: the short name',
        'moodle/course:changeidnumber' => 'core_course_update_courses: the ID number; copies keep ID numbers of groups',
        'moodle/backup:backupcourse' => 'core_course_duplicate_course: the template is read',
        'moodle/restore:restorecourse' => 'core_course_duplicate_course: the copy is written',
        'local/copbridge:sethours' => 'core_course_duplicate_course: a copy keeps the participation hours',
        'moodle/question:add' => 'core_course_duplicate_course: questions of a quiz',
        'moodle/question:managecategory' => 'core_course_duplicate_course: categories of questions',
        'moodle/user:create' => 'core_user_create_users, where a file says so',
        'moodle/user:viewdetails' => 'core_user_get_users and core_user_get_users_by_field find people',
        'moodle/user:viewalldetails' => 'these tell ID numbers and user names',
        'moodle/site:viewuseridentity' => 'they tell e-mail addresses, and look for them',
        'moodle/role:assign' => 'to enrol with a role that it may assign',
        'enrol/manual:enrol' => 'enrol_manual_enrol_users',
        'enrol/manual:unenrol' => 'enrol_manual_unenrol_users',
        'moodle/course:managegroups' => 'core_group_get_course_groups, core_group_create_groups and members',
        'moodle/calendar:manageentries' => 'core_calendar_create_calendar_events and core_calendar_get_calendar_events',
        'moodle/site:sendmessage' => 'core_message_send_instant_messages',
        'moodle/site:messageanyuser' => 'core_message_send_instant_messages: to who shares no course with the account',
    ];

    /** @var string the setting that keeps its id */
    protected const SETTING = 'provisionerid';

    /** @var string the key of its name */
    protected const STRING = 'admin_provisioner';

    /**
     * What Moodle itself asks for.
     *
     * @return string[] capabilities
     */
    protected static function core(): array {
        return array_keys(self::REASONS);
    }

    /**
     * Participants, and who teaches them.
     *
     * @return string[] short names
     */
    protected static function assigns(): array {
        return ['student', 'teacher', 'editingteacher'];
    }
}

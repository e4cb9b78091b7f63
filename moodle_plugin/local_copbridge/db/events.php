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

/**
 * The events that are handed over, and nothing else.
 *
 * All go to one method inside the transaction of the change (internal), early (a later observer may fail). The last one
 * writes nothing: it only makes the plugin look again at which courses are chosen.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$observers = array_map(
    static fn(string $name): array => [
        'eventname' => '\\' . str_replace('/', '\\event\\', $name),
        'callback' => '\\local_copbridge\\observer::saw',
        'internal' => true,
        'priority' => 9999,
    ],
    [
        'core/course_module_completion_updated',
        'core/user_enrolment_created',
        'core/user_enrolment_updated',
        'core/user_enrolment_deleted',
        'core/role_assigned',
        'core/role_unassigned',
        'core/group_member_added',
        'core/group_member_removed',
        'core/group_updated',
        'core/group_deleted',
        'core/grouping_updated',
        'core/grouping_deleted',
        'core/grouping_group_assigned',
        'core/grouping_group_unassigned',
        'core/user_updated',
        'core/user_deleted',
        'core/course_created',
        'core/course_updated',
        'core/course_deleted',
        'core/course_restored',
        'core/course_reset_ended',
        'core/course_section_created',
        'core/course_section_updated',
        'core/course_section_deleted',
        'core/course_module_created',
        'core/course_module_updated',
        'core/course_module_deleted',
        'core/course_category_updated',
        // Moodle knows an event by its name alone: a site without these activities never sees one.
        'mod_attendance/attendance_taken',
        'mod_attendance/attendance_taken_by_student',
        'mod_attendance/session_added',
        'mod_attendance/session_updated',
        'mod_attendance/session_duration_updated',
        'mod_attendance/session_deleted',
        'mod_bigbluebuttonbn/meeting_joined',
    ]
);

// Nothing is handed over by these: they forget the declared hours of what is deleted.
$observers[] = [
    'eventname' => '\core\event\course_module_deleted',
    'callback' => '\local_copbridge\hours_observer::module_deleted',
    'internal' => true,
];
$observers[] = [
    'eventname' => '\core\event\course_content_deleted',
    'callback' => '\local_copbridge\hours_observer::content_deleted',
    'internal' => true,
];

// These forget what the service told of people, courses and activities that are deleted.
foreach (
    [
        'user_deleted' => 'user_deleted',
        'course_deleted' => 'course_deleted',
        'course_content_deleted' => 'content_deleted',
        'course_module_deleted' => 'module_deleted',
    ] as $name => $method
) {
    $observers[] = [
        'eventname' => '\core\event\\' . $name,
        'callback' => '\local_copbridge\people_observer::' . $method,
        'internal' => true,
    ];
}

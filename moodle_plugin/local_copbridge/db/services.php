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
 * External functions, and the services that hold them.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$functions = [
    'local_copbridge_add_cohort_enrolment' => [
        'classname' => 'local_copbridge\external\add_cohort_enrolment',
        'description' => 'Let a cohort be enrolled in a course.',
        'type' => 'write',
        'capabilities' => 'local/copbridge:addcohortenrolment',
    ],
    'local_copbridge_create_activities' => [
        'classname' => 'local_copbridge\external\create_activities',
        'description' => 'Create activities in a course.',
        'type' => 'write',
        'capabilities' => 'local/copbridge:createactivities',
    ],
    'local_copbridge_get_completions' => [
        'classname' => 'local_copbridge\external\get_completions',
        'description' => 'Completion rows of a course, page by page.',
        'type' => 'read',
        'capabilities' => 'local/copbridge:getcompletions',
    ],
    'local_copbridge_get_course_map' => [
        'classname' => 'local_copbridge\external\get_course_map',
        'description' => 'A course with its activities.',
        'type' => 'read',
        'capabilities' => 'local/copbridge:getcoursemap',
    ],
    'local_copbridge_get_course_setup' => [
        'classname' => 'local_copbridge\external\get_course_setup',
        'description' => 'How a course is set up.',
        'type' => 'read',
        'capabilities' => 'local/copbridge:getcoursesetup',
    ],
    'local_copbridge_get_courses' => [
        'classname' => 'local_copbridge\external\get_courses',
        'description' => 'The courses that are handed over.',
        'type' => 'read',
        'capabilities' => 'local/copbridge:getcourses',
    ],
    'local_copbridge_get_digest' => [
        'classname' => 'local_copbridge\external\get_digest',
        'description' => 'Counts and sums of completion rows, by activity.',
        'type' => 'read',
        'capabilities' => 'local/copbridge:getdigest',
    ],
    'local_copbridge_get_roster' => [
        'classname' => 'local_copbridge\external\get_roster',
        'description' => 'Who takes part in a course, page by page.',
        'type' => 'read',
        'capabilities' => 'local/copbridge:getroster',
    ],
    'local_copbridge_get_site_setup' => [
        'classname' => 'local_copbridge\external\get_site_setup',
        'description' => 'What a site has that courses are set up with.',
        'type' => 'read',
        'capabilities' => 'local/copbridge:getsitesetup',
    ],
    'local_copbridge_get_status' => [
        'classname' => 'local_copbridge\external\get_status',
        'description' => 'How the plugin is.',
        'type' => 'read',
        'capabilities' => 'local/copbridge:getstatus',
    ],
    'local_copbridge_ping' => [
        'classname' => 'local_copbridge\external\ping',
        'description' => 'Send an event now, to see whether it arrives.',
        'type' => 'read',
        'capabilities' => 'local/copbridge:ping',
    ],
    'local_copbridge_set_activities' => [
        'classname' => 'local_copbridge\external\set_activities',
        'description' => 'Set completion rules, ID numbers, sections and hours of activities.',
        'type' => 'write',
        'capabilities' => 'local/copbridge:setactivities',
    ],
    'local_copbridge_set_course_fields' => [
        'classname' => 'local_copbridge\external\set_course_fields',
        'description' => 'Set custom fields of a course.',
        'type' => 'write',
        'capabilities' => 'local/copbridge:setcoursefields',
    ],
    'local_copbridge_set_presence' => [
        'classname' => 'local_copbridge\external\set_presence',
        'description' => 'Complete a session\'s activity for who was there.',
        'type' => 'write',
        'capabilities' => 'local/copbridge:setpresence',
    ],
    'local_copbridge_set_sections' => [
        'classname' => 'local_copbridge\external\set_sections',
        'description' => 'Name the sections of a course.',
        'type' => 'write',
        'capabilities' => 'local/copbridge:setsections',
    ],
    'local_copbridge_set_standings' => [
        'classname' => 'local_copbridge\external\set_standings',
        'description' => 'Keep how participants stand, for their pages.',
        'type' => 'write',
        'capabilities' => 'local/copbridge:setstandings',
    ],
];

$services = [
    'CoP Bridge' => [
        'shortname' => 'local_copbridge',
        'functions' => [
            'core_course_get_course_module',
            // For messages to participants; the role holds no capability for it until somebody grants one.
            'core_message_send_instant_messages',
            'core_webservice_get_site_info',
            'local_copbridge_get_completions',
            'local_copbridge_get_course_map',
            'local_copbridge_get_courses',
            'local_copbridge_get_digest',
            'local_copbridge_get_roster',
            'local_copbridge_get_status',
            'local_copbridge_ping',
            'local_copbridge_set_presence',
            'local_copbridge_set_standings',
            // Where that plugin is installed: Moodle leaves out what it doesn't know.
            'mod_attendance_get_sessions',
        ],
        'restrictedusers' => 1,
        'enabled' => 1,
    ],
    // Sets up courses, with an account and a token of its own: who only reads hours must not be able to.
    'CoP Bridge provisioning' => [
        'shortname' => 'local_copbridge_provisioning',
        'functions' => [
            'core_calendar_create_calendar_events',
            'core_calendar_get_calendar_events',
            'core_course_create_categories',
            'core_course_create_courses',
            'core_course_duplicate_course',
            'core_course_get_categories',
            'core_course_get_courses_by_field',
            'core_course_update_courses',
            'core_group_add_group_members',
            'core_group_create_groups',
            'core_group_delete_group_members',
            'core_group_get_course_groups',
            'core_message_send_instant_messages',
            'core_user_create_users',
            'core_user_get_users',
            'core_user_get_users_by_field',
            'core_webservice_get_site_info',
            'enrol_manual_enrol_users',
            'enrol_manual_unenrol_users',
            'local_copbridge_add_cohort_enrolment',
            'local_copbridge_create_activities',
            'local_copbridge_get_course_map',
            'local_copbridge_get_course_setup',
            'local_copbridge_get_courses',
            'local_copbridge_get_roster',
            'local_copbridge_get_site_setup',
            'local_copbridge_get_status',
            'local_copbridge_set_activities',
            'local_copbridge_set_course_fields',
            'local_copbridge_set_sections',
        ],
        'restrictedusers' => 1,
        'enabled' => 1,
    ],
];

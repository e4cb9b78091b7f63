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
 * External functions, and the service that holds them.
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
            'local_copbridge_add_cohort_enrolment',
            'local_copbridge_create_activities',
            'local_copbridge_get_completions',
            'local_copbridge_get_course_map',
            'local_copbridge_get_courses',
            'local_copbridge_get_digest',
            'local_copbridge_get_roster',
            'local_copbridge_get_status',
            'local_copbridge_ping',
            'local_copbridge_set_activities',
            'local_copbridge_set_course_fields',
            'local_copbridge_set_presence',
            'local_copbridge_set_sections',
            'local_copbridge_set_standings',
            // Where that plugin is installed: Moodle leaves out what it doesn't know.
            'mod_attendance_get_sessions',
        ],
        'restrictedusers' => 1,
        'enabled' => 1,
    ],
];

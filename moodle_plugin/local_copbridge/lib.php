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
 * What Moodle calls by name: each line hands on to a class.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

/**
 * Adds "My CoP hours" (and, for who edits, the hours grid) to a course's navigation.
 *
 * @param navigation_node $parent the course's node
 * @param stdClass $course
 * @param context_course $context
 */
function local_copbridge_extend_navigation_course(navigation_node $parent, stdClass $course, context_course $context): void {
    \local_copbridge\local\navigation::course($parent, $course, $context);
}

/**
 * Adds the hours to a user's profile.
 *
 * @param \core_user\output\myprofile\tree $tree
 * @param stdClass $user whose profile it is
 * @param bool $iscurrentuser
 * @param stdClass|null $course the course that the profile is looked at in
 */
function local_copbridge_myprofile_navigation(
    \core_user\output\myprofile\tree $tree,
    stdClass $user,
    bool $iscurrentuser,
    ?stdClass $course
): void {
    \local_copbridge\local\navigation::profile($tree, $user, $course);
}

/**
 * Adds the participation hours to an activity's form.
 *
 * @param moodleform_mod $formwrapper
 * @param MoodleQuickForm $form
 */
function local_copbridge_coursemodule_standard_elements(moodleform_mod $formwrapper, MoodleQuickForm $form): void {
    \local_copbridge\local\hours_form::elements($formwrapper, $form);
}

/**
 * Checks the participation hours of an activity's form.
 *
 * @param moodleform_mod $formwrapper
 * @param array $data
 * @return array messages by field
 */
function local_copbridge_coursemodule_validation(moodleform_mod $formwrapper, array $data): array {
    return \local_copbridge\local\hours_form::problems($formwrapper, $data);
}

/**
 * Keeps the participation hours of an activity's form.
 *
 * @param stdClass $data
 * @param stdClass $course
 * @return stdClass
 */
function local_copbridge_coursemodule_edit_post_actions(stdClass $data, stdClass $course): stdClass {
    return \local_copbridge\local\hours_form::keep($data, $course);
}

/**
 * Notes, while the enrolments are still there, whether a user who is being deleted takes part in a community.
 *
 * @param stdClass $user
 */
function local_copbridge_pre_user_delete(stdClass $user): void {
    \local_copbridge\local\scope::remember_user((int) $user->id);
}

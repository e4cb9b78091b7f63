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
 * The hours of a community: one's own for a participant, everybody's for who leads it. Without a course: which there are.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

require_once(__DIR__ . '/../../config.php');

use local_copbridge\local\navigation;
use local_copbridge\local\scope;
use local_copbridge\output\communities;
use local_copbridge\output\hours_page;

$courseid = optional_param('courseid', 0, PARAM_INT);
$userid = optional_param('userid', 0, PARAM_INT);

if (!$courseid) {
    require_login(null, false);
    if (isguestuser()) {
        throw new moodle_exception('noguest');
    }
    $PAGE->set_context(context_system::instance());
    $PAGE->set_url(navigation::hours_url());
    $PAGE->set_pagelayout('standard');
    $PAGE->add_body_class('limitedwidth');
    $PAGE->set_heading(get_string('communities_title', 'local_copbridge'));
    $PAGE->set_title(get_string('communities_title', 'local_copbridge'));
    echo $OUTPUT->header();
    echo $OUTPUT->render(new communities());
    echo $OUTPUT->footer();
    exit;
}

$course = get_course($courseid);
require_login($course);
$context = context_course::instance($courseid);
if (!scope::has_course($courseid)) {
    throw new moodle_exception('notchosen', 'local_copbridge', new moodle_url('/course/view.php', ['id' => $courseid]));
}

$all = has_capability('local/copbridge:viewallhours', $context);
if (!$all) {
    require_capability('local/copbridge:viewownhours', $context);
    $userid = $userid ?: (int) $USER->id;
}
if ($userid && !navigation::sees($course, $userid)) {
    throw new required_capability_exception($context, 'local/copbridge:viewallhours', 'nopermissions', '');
}

$PAGE->set_url(navigation::hours_url($courseid, $all ? $userid : 0));
$PAGE->set_pagelayout('incourse');
// As wide as a course is: a line that is longer than that is hard to read.
$PAGE->add_body_class('limitedwidth');
$PAGE->set_heading(format_string($course->fullname, true, ['context' => $context]));
$PAGE->set_secondary_active_tab('local_copbridge_hours');

$hours = new hours_page($course, $context);
$page = $userid ? $hours->participant($userid) : $hours->roster(optional_param('page', 0, PARAM_INT));
$PAGE->set_title($hours->title() . moodle_page::TITLE_SEPARATOR . format_string($course->shortname, true, ['context' => $context]));

echo $OUTPUT->header();
echo $OUTPUT->render($page);
echo $hours->paging();
echo $OUTPUT->footer();

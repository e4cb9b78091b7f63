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
 * The participation hours of all activities of a course, in one table.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

require_once(__DIR__ . '/../../config.php');
require_once($CFG->libdir . '/completionlib.php');

use local_copbridge\local\grid;
use local_copbridge\local\scope;

$courseid = required_param('courseid', PARAM_INT);
$course = get_course($courseid);
require_login($course);
$context = context_course::instance($courseid);
require_capability('local/copbridge:sethours', $context);
if (!scope::has_course($courseid)) {
    throw new moodle_exception('notchosen', 'local_copbridge', new moodle_url('/course/view.php', ['id' => $courseid]));
}

$url = new moodle_url('/local/copbridge/grid.php', ['courseid' => $courseid]);
$title = get_string('sethours', 'local_copbridge');
$PAGE->set_url($url);
$PAGE->set_context($context);
$PAGE->set_pagelayout('incourse');
$PAGE->set_title($title . moodle_page::TITLE_SEPARATOR . format_string($course->shortname, true, ['context' => $context]));
$PAGE->set_heading(format_string($course->fullname, true, ['context' => $context]));

$grid = new grid($course);
$problem = '';
if (optional_param('save', false, PARAM_BOOL)) {
    require_sesskey();
    $taken = $grid->take(
        optional_param_array('hours', [], PARAM_RAW_TRIMMED),
        optional_param_array('component', [], PARAM_RAW_TRIMMED),
        optional_param_array('seen', [], PARAM_RAW_TRIMMED),
    );
    if (!optional_param('whole', false, PARAM_BOOL)) {
        // The form's last field: PHP drops, silently, what is over its max_input_vars.
        $problem = 'grid_cut';
    } else if (!$taken) {
        $problem = 'grid_problems';
    } else {
        $changed = $grid->keep((int) $USER->id);
        $notice = match ($changed) {
            0 => get_string('grid_unchanged', 'local_copbridge'),
            1 => get_string('grid_changedone', 'local_copbridge'),
            default => get_string('grid_changed', 'local_copbridge', $changed),
        };
        redirect($url, $notice, null, $changed
            ? \core\output\notification::NOTIFY_SUCCESS
            : \core\output\notification::NOTIFY_INFO);
    }
}

$output = $PAGE->get_renderer('core');
$page = new \local_copbridge\output\grid_page($grid);
echo $OUTPUT->header();
echo $OUTPUT->heading($title);
if ($problem !== '') {
    echo $OUTPUT->notification(get_string($problem, 'local_copbridge'), \core\output\notification::NOTIFY_ERROR);
}
echo $OUTPUT->render_from_template('local_copbridge/grid', $page->export_for_template($output));
echo $OUTPUT->footer();

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
 * How CoP Bridge is: what is set, what was sent, what needs somebody.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

require_once(__DIR__ . '/../../config.php');
require_once($CFG->libdir . '/adminlib.php');

use local_copbridge\local\status_actions;
use local_copbridge\output\status_page;

$action = optional_param('action', '', PARAM_ALPHA);
$letter = optional_param('letter', 0, PARAM_INT);

admin_externalpage_setup('local_copbridge_status');
$url = new moodle_url('/local/copbridge/status.php');
$PAGE->set_title(get_string('settings_status', 'local_copbridge'));

if ($action !== '' && data_submitted()) {
    require_sesskey();
    $question = optional_param('confirmed', false, PARAM_BOOL) ? null : status_actions::question($action, $letter);
    if ($question === null) {
        [$message, $type] = status_actions::perform($action, $letter);
        redirect($url, $message, null, $type);
    }
    $yes = new moodle_url($url, ['action' => $action, 'letter' => $letter, 'confirmed' => 1]);
    echo $OUTPUT->header();
    echo $OUTPUT->confirm($question['text'], new single_button($yes, $question['button'], 'post'), $url, [
        'confirmtitle' => $question['title'],
    ]);
    echo $OUTPUT->footer();
    die;
}

$page = new status_page(
    optional_param('letters', 0, PARAM_INT),
    optional_param('courses', 0, PARAM_INT),
    optional_param('deliveries', 0, PARAM_INT)
);
echo $OUTPUT->header();
echo $OUTPUT->render($page);
echo $OUTPUT->footer();

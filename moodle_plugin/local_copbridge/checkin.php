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
 * Tells the service who checks in at a session, if that person says so.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

require_once(__DIR__ . '/../../config.php');

use local_copbridge\local\assertion;
use local_copbridge\output\checkin;

$state = optional_param('state', '', PARAM_RAW);
$going = optional_param('go', false, PARAM_BOOL);

// A guest would be let in without a word: whoever checks in has to be somebody.
require_login(null, false);
$PAGE->set_context(context_system::instance());
// A state that can't be one doesn't go into any address.
$PAGE->set_url('/local/copbridge/checkin.php', assertion::is_state($state) ? ['state' => $state] : []);
$PAGE->set_pagelayout('login');
$PAGE->set_title(get_string('checkin_heading', 'local_copbridge'));

$problem = checkin::problem($state);
if ($going && $problem === '') {
    require_sesskey();
    redirect(assertion::url((int) $USER->id, $state));
}

echo $OUTPUT->header();
echo $OUTPUT->render(new checkin($problem, $state));
echo $OUTPUT->footer();

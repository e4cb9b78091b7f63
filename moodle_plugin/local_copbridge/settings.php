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
 * The administrator's pages.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

if ($hassiteconfig) {
    $page = new admin_settingpage('local_copbridge', new lang_string('pluginname', 'local_copbridge'));
    if ($ADMIN->fulltree) {
        \local_copbridge\local\settings_page::fill($page);
    }
    $ADMIN->add('localplugins', $page);
}

// Whoever isn't an administrator of the whole site has no category of local plugins, and may have this page all the same.
$ADMIN->add($hassiteconfig ? 'localplugins' : 'reports', new admin_externalpage(
    'local_copbridge_status',
    new lang_string('settings_status', 'local_copbridge'),
    new moodle_url('/local/copbridge/status.php'),
    'local/copbridge:manage'
));

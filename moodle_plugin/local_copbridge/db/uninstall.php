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
 * What is removed besides what Moodle removes by itself.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

/**
 * Removes the roles of the services' accounts, and what would be left behind.
 *
 * Moodle itself drops tables, settings, capabilities, tasks, functions, the services and their tokens.
 *
 * @return bool
 */
function xmldb_local_copbridge_uninstall(): bool {
    global $DB;
    \local_copbridge\local\service_role::remove();
    \local_copbridge\local\provisioning_role::remove();
    // Core functions in the services: Moodle removes the lines of the plugin's own functions only.
    $DB->delete_records_select(
        'external_services_functions',
        'externalserviceid IN (SELECT id FROM {external_services} WHERE component = :component)',
        ['component' => 'local_copbridge']
    );
    // Where Moodle keeps its locks in the database, the sender's stays as a row.
    $DB->delete_records_select('lock_db', $DB->sql_like('resourcekey', ':key'), ['key' => 'local\_copbridge\_%']);
    $DB->delete_records_select('user_preferences', $DB->sql_like('name', ':name'), ['name' => 'local\_copbridge\_%']);
    return true;
}

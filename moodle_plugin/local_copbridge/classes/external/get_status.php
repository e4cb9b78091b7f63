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

namespace local_copbridge\external;

use core_external\external_api;
use core_external\external_function_parameters;
use core_external\external_single_structure;
use core_external\external_value;
use core_plugin_manager;
use local_copbridge\local\identity;
use local_copbridge\local\outbox;
use local_copbridge\local\plain;
use local_copbridge\local\scope;

/**
 * How the plugin is: versions, what waits, when something was delivered last.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class get_status extends external_api {
    /**
     * Parameters.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([]);
    }

    /**
     * The state of the plugin. It is told whether or not the site is set up.
     *
     * @return array
     */
    public static function execute(): array {
        global $CFG, $DB;
        self::validate_parameters(self::execute_parameters(), []);
        gate::site('getstatus');
        $plugin = core_plugin_manager::instance()->get_plugin_info('local_copbridge');
        $config = get_config('local_copbridge');
        return [
            'release' => (string) $plugin->release,
            'version' => (int) $plugin->versiondb,
            'moodle' => $CFG->release,
            'epoch' => identity::epoch(),
            'wwwroot' => $CFG->wwwroot,
            'confirmed' => identity::confirmed(),
            'time' => plain::now(),
            'lastcron' => (int) get_config('tool_task', 'lastcronstart'),
            'pending' => outbox::waiting(),
            'oldestpending' => outbox::oldest() ?? 0,
            'dead' => $DB->count_records('local_copbridge_outbox', ['dead' => 1]),
            'lastdelivery' => (int) ($config->lastdelivery ?? 0),
            'lasterror' => (string) ($config->lasterror ?? ''),
            'outboxfailures' => (int) ($config->outboxfailures ?? 0),
            'dropped' => (int) ($config->dropped ?? 0),
            'courses' => count(scope::courses()),
        ];
    }

    /**
     * What is answered.
     *
     * @return external_single_structure
     */
    public static function execute_returns(): external_single_structure {
        return new external_single_structure([
            'release' => new external_value(PARAM_TEXT, 'The plugin\'s release'),
            'version' => new external_value(PARAM_INT, 'The plugin\'s version'),
            'moodle' => new external_value(PARAM_TEXT, 'The release of Moodle'),
            'epoch' => new external_value(PARAM_RAW, 'Made when the plugin was installed: a UUID'),
            'wwwroot' => new external_value(PARAM_RAW, 'The address of this site'),
            'confirmed' => new external_value(PARAM_BOOL, 'Whether this is the site that the epoch belongs to'),
            'time' => new external_value(PARAM_FLOAT, 'The clock of this site'),
            'lastcron' => new external_value(PARAM_INT, 'When cron started last; 0: never'),
            'pending' => new external_value(PARAM_INT, 'How many events wait to be sent'),
            'oldestpending' => new external_value(PARAM_INT, 'When the oldest of them happened; 0: none waits'),
            'dead' => new external_value(PARAM_INT, 'How many events were given up'),
            'lastdelivery' => new external_value(PARAM_INT, 'When the service took something last; 0: never'),
            'lasterror' => new external_value(PARAM_RAW, 'The code of the last failure; empty: none'),
            'outboxfailures' => new external_value(PARAM_INT, 'How many events could not be kept'),
            'dropped' => new external_value(PARAM_INT, 'How many events were dropped because nobody took them for long'),
            'courses' => new external_value(PARAM_INT, 'How many courses are handed over'),
        ]);
    }
}

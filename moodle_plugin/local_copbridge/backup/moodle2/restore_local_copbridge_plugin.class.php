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

use local_copbridge\local\hours;

/**
 * The participation hours out of backups.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

/**
 * Gives a restored, imported or duplicated activity the hours of its backup.
 *
 * Only where the person who restores may declare hours in the target course (local/copbridge:sethours): hours decide
 * salary credit, and a backup file is easily written by hand. Without the capability the activity comes without hours.
 */
class restore_local_copbridge_plugin extends restore_local_plugin {
    /** @var array|null what the backup says of this activity */
    private ?array $declared = null;

    /**
     * Where the hours are in the backup.
     *
     * @return restore_path_element[]
     */
    protected function define_module_plugin_structure(): array {
        return [new restore_path_element($this->get_namefor('hours'), $this->get_pathfor('/hours'))];
    }

    /**
     * Keeps the hours in mind: at this point the activity itself isn't there yet.
     *
     * @param array $data
     */
    public function process_local_copbridge_hours(array $data): void {
        $this->declared = $data;
    }

    /**
     * Declares the hours, now that the activity is there.
     */
    protected function after_restore_module(): void {
        global $DB;
        $cmid = (int) $this->task->get_moduleid();
        if (!$this->declared || !$cmid || !$DB->record_exists('course_modules', ['id' => $cmid])) {
            return;
        }
        $minutes = (int) $this->declared['minutes'];
        $component = (string) $this->declared['component'];
        $userid = (int) $this->task->get_userid();
        $context = context_course::instance($this->task->get_courseid());
        if (!has_capability('local/copbridge:sethours', $context, $userid)) {
            $this->step->log('local_copbridge: hours left out, no capability', backup::LOG_INFO, $cmid);
        } else if (!hours::valid($minutes, $component)) {
            $this->step->log('local_copbridge: hours left out, not valid', backup::LOG_WARNING, $cmid);
        } else {
            hours::set($cmid, $minutes, $component, $userid);
        }
    }
}

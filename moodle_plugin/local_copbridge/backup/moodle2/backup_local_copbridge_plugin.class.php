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
 * The participation hours in backups.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

/**
 * Adds an activity's hours to its backup. Who declared them stays behind: that is personal data of this site.
 */
class backup_local_copbridge_plugin extends backup_local_plugin {
    /**
     * The hours, beside the activity's own settings.
     */
    protected function define_module_plugin_structure(): void {
        $wrapper = new backup_nested_element($this->get_recommended_name());
        $hours = new backup_nested_element('hours', ['id'], ['minutes', 'component']);
        $this->get_plugin_element()->add_child($wrapper);
        $wrapper->add_child($hours);
        $hours->set_source_table('local_copbridge_hours', ['cmid' => backup::VAR_MODID]);
    }
}

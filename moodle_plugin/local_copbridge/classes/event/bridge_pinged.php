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

namespace local_copbridge\event;

/**
 * Somebody asked whether an event arrives.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class bridge_pinged extends \core\event\base {
    /**
     * Sets what is the same for each such event.
     */
    protected function init(): void {
        $this->data['crud'] = 'r';
        $this->data['edulevel'] = self::LEVEL_OTHER;
        $this->context = \context_system::instance();
    }

    /**
     * The event's name, for people.
     *
     * @return string
     */
    public static function get_name(): string {
        return get_string('event_bridge_pinged', 'local_copbridge');
    }

    /**
     * What happened. English, as all descriptions in Moodle's log are.
     *
     * @return string
     */
    public function get_description(): string {
        return "The user with id '$this->userid' asked whether an event arrives at CoP Bridge.";
    }
}

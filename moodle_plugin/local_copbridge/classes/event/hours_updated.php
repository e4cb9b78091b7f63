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
 * Somebody declared an activity's participation hours, changed them or took them back.
 *
 * @property-read array $other {
 *      - int|null minutes: what is declared now, null for nothing
 *      - string component: its code, '' where the program decides
 *      - int|null minutesbefore, string componentbefore: what was declared before
 * }
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class hours_updated extends \core\event\base {
    /**
     * Sets what is the same for each such event.
     */
    protected function init(): void {
        $this->data['crud'] = 'u';
        $this->data['edulevel'] = self::LEVEL_TEACHING;
        $this->data['objecttable'] = 'local_copbridge_hours';
    }

    /**
     * The event's name, for people.
     *
     * @return string
     */
    public static function get_name(): string {
        return get_string('event_hours_updated', 'local_copbridge');
    }

    /**
     * What happened. English, as all descriptions in Moodle's log are.
     *
     * @return string
     */
    public function get_description(): string {
        $say = fn(?int $minutes, string $component): string => $minutes === null
            ? 'none'
            : "$minutes minutes" . ($component === '' ? '' : " ($component)");
        $before = $say($this->other['minutesbefore'], $this->other['componentbefore']);
        $after = $say($this->other['minutes'], $this->other['component']);
        return "The user with id '$this->userid' changed the participation hours of the course module with id "
            . "'$this->contextinstanceid' from $before to $after.";
    }

    /**
     * Where hours are declared.
     *
     * @return \moodle_url
     */
    public function get_url(): \moodle_url {
        return new \moodle_url('/local/copbridge/grid.php', ['courseid' => $this->courseid]);
    }

    /**
     * Requires all that the description needs.
     */
    protected function validate_data(): void {
        parent::validate_data();
        foreach (['minutes', 'component', 'minutesbefore', 'componentbefore'] as $key) {
            if (!array_key_exists($key, (array) $this->other)) {
                throw new \coding_exception("The '$key' value must be set in other.");
            }
        }
    }

    /**
     * The row isn't mapped when Moodle's log is restored: a restored activity gets one of its own.
     *
     * @return array
     */
    public static function get_objectid_mapping(): array {
        return ['db' => 'local_copbridge_hours', 'restore' => \core\event\base::NOT_MAPPED];
    }

    /**
     * There are no ids in other.
     *
     * @return bool
     */
    public static function get_other_mapping(): bool {
        return false;
    }
}

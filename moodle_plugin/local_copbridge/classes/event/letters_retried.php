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
 * An administrator had events sent again that had been given up.
 *
 * @property-read array $other {
 *      - int count: how many
 * }
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class letters_retried extends \core\event\base {
    /**
     * Sets what is the same for each such event.
     */
    protected function init(): void {
        $this->data['crud'] = 'u';
        $this->data['edulevel'] = self::LEVEL_OTHER;
        $this->context = \context_system::instance();
    }

    /**
     * The event's name, for people.
     *
     * @return string
     */
    public static function get_name(): string {
        return get_string('event_letters_retried', 'local_copbridge');
    }

    /**
     * What happened. English, as all descriptions in Moodle's log are.
     *
     * @return string
     */
    public function get_description(): string {
        return "The user with id '$this->userid' had {$this->other['count']} events sent again to CoP Bridge that had been "
            . 'given up.';
    }

    /**
     * Where it was done.
     *
     * @return \moodle_url
     */
    public function get_url(): \moodle_url {
        return new \moodle_url('/local/copbridge/status.php');
    }

    /**
     * Requires all that the description needs.
     */
    protected function validate_data(): void {
        parent::validate_data();
        if (!isset($this->other['count'])) {
            throw new \coding_exception("The 'count' value must be set in other.");
        }
    }
}

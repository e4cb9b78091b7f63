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

namespace local_copbridge\output;

use core\output\named_templatable;
use core\output\renderable;
use core\output\renderer_base;
use local_copbridge\local\assertion;
use local_copbridge\local\identity;
use local_copbridge\local\settings;

/**
 * The page that asks whether the service may know who checks in.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class checkin implements named_templatable, renderable {
    /**
     * The page.
     *
     * @param string $problem a string's key; empty: all is well
     * @param string $state
     */
    public function __construct(
        /** @var string a string's key */
        private readonly string $problem,
        /** @var string what the service asked with */
        private readonly string $state,
    ) {
    }

    /**
     * Why nobody can check in by this link now.
     *
     * @param string $state
     * @return string a string's key; empty: all is well
     */
    public static function problem(string $state): string {
        return match (true) {
            isguestuser() || !isloggedin() => 'checkin_guest',
            // An administrator who looks at the site as somebody else isn't at the session in their place.
            \core\session\manager::is_loggedinas() => 'checkin_loggedinas',
            !settings::configured() || !identity::confirmed() => 'checkin_notready',
            !assertion::is_state($state) => 'checkin_stale',
            default => '',
        };
    }

    #[\Override]
    public function get_template_name(renderer_base $renderer): string {
        return 'local_copbridge/checkin';
    }

    /**
     * What the template needs.
     *
     * @param renderer_base $output
     * @return array
     */
    public function export_for_template(renderer_base $output): array {
        global $USER;
        if ($this->problem !== '') {
            return ['problem' => get_string($this->problem, 'local_copbridge')];
        }
        return [
            'button' => get_string('checkin_button', 'local_copbridge', fullname($USER)),
            'action' => (new \moodle_url('/local/copbridge/checkin.php'))->out(false),
            'state' => $this->state,
            'sesskey' => sesskey(),
            'logouturl' => (new \moodle_url('/login/logout.php', ['sesskey' => sesskey()]))->out(false),
        ];
    }
}

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

namespace local_copbridge\local;

/**
 * Words for the events of the outbox, and for why they weren't taken.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class outbox_words {
    /**
     * What an event is called.
     *
     * @param string $eventname its class
     * @return string
     */
    public static function event(string $eventname): string {
        return is_subclass_of($eventname, \core\event\base::class) ? $eventname::get_name() : $eventname;
    }

    /**
     * Why an event wasn't taken.
     *
     * @param string $reason a code, and what was said about it after a colon
     * @return string plain text
     */
    public static function reason(string $reason): string {
        [$code, $detail] = explode(':', $reason, 2) + ['', ''];
        $key = 'admin_reason_' . clean_param(trim($code), PARAM_ALPHAEXT);
        $words = get_string_manager()->string_exists($key, 'local_copbridge') ? get_string($key, 'local_copbridge') : trim($code);
        return trim($detail) === '' ? $words : $words . ' (' . trim($detail) . ')';
    }
}

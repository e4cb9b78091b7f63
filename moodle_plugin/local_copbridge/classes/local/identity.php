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
 * Which site this is.
 *
 * The epoch is made at installation and kept together with the address that the site had then. A copy of the site has the
 * same epoch under another address: it sends nothing until an administrator says what it is.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class identity {
    /**
     * Makes an epoch for this site, under its present address.
     */
    public static function begin(): void {
        global $CFG;
        set_config('epoch', \core\uuid::generate(), 'local_copbridge');
        set_config('wwwroot', $CFG->wwwroot, 'local_copbridge');
    }

    /**
     * The epoch.
     *
     * @return string a UUID
     */
    public static function epoch(): string {
        if (settings::get('epoch') === '') {
            self::begin();
        }
        return settings::get('epoch');
    }

    /**
     * Whether the epoch belongs to the address that the site has now.
     *
     * @return bool
     */
    public static function confirmed(): bool {
        global $CFG;
        return self::epoch() !== '' && settings::get('wwwroot') === $CFG->wwwroot;
    }

    /**
     * This is the site itself, under a new address.
     */
    public static function confirm_same(): void {
        global $CFG;
        set_config('wwwroot', $CFG->wwwroot, 'local_copbridge');
        backoff::forget();
    }

    /**
     * This is another site. What it has from the original (where to send, what was to be sent) is dropped.
     */
    public static function become_new(): void {
        foreach (['endpoint', 'secret', 'secret2'] as $name) {
            set_config($name, '', 'local_copbridge');
        }
        outbox::clear();
        backoff::forget();
        self::begin();
    }
}

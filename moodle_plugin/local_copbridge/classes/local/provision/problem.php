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

namespace local_copbridge\local\provision;

/**
 * What was asked for cannot be done; the message says what to do instead.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class problem extends \moodle_exception {
    /** @var string the kind of problem, for programs: the string's key without its prefix */
    public readonly string $reason;

    /**
     * A string of this plugin, with what it speaks of.
     *
     * @param string $reason the string's key without "provision_"
     * @param mixed $a
     */
    public function __construct(string $reason, mixed $a = null) {
        $this->reason = $reason;
        parent::__construct('provision_' . $reason, 'local_copbridge', '', $a);
    }

    /**
     * A code for any error: of our own ones the kind, of Moodle's its own code.
     *
     * @param \Throwable $error
     * @return string
     */
    public static function code(\Throwable $error): string {
        if ($error instanceof self) {
            return $error->reason;
        }
        return $error instanceof \moodle_exception ? $error->errorcode : 'error';
    }
}

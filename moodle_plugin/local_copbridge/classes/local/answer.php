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
 * What came back for a post, as the network told it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class answer {
    /**
     * An answer.
     *
     * @param int $status
     * @param string $body
     * @param string $retryafter
     * @param string $problem
     * @param string $detail
     */
    public function __construct(
        /** @var int the HTTP status; 0: there was no answer */
        public readonly int $status,
        /** @var string the body */
        public readonly string $body = '',
        /** @var string the header Retry-After */
        public readonly string $retryafter = '',
        /** @var string blocked, timeout, tls, unreachable, or '' */
        public readonly string $problem = '',
        /** @var string what is said of the problem */
        public readonly string $detail = '',
    ) {
    }
}

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
 * Tells which of Moodle's settings keeps an address from being called.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class security extends \core\files\curl_security_helper {
    /**
     * The names of the settings that block an address.
     *
     * @param string $url
     * @return string '' where Moodle's own settings don't
     */
    public static function blocking(string $url): string {
        $helper = new self();
        $parts = parse_url($url) ?: [];
        $port = $parts['port'] ?? (($parts['scheme'] ?? '') === 'https' ? 443 : 80);
        $names = [];
        if ($helper->host_is_blocked($parts['host'] ?? '')) {
            $names[] = 'curlsecurityblockedhosts';
        }
        if ($helper->port_is_blocked($port)) {
            $names[] = 'curlsecurityallowedport';
        }
        return implode(', ', $names);
    }
}

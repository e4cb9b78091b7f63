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
 * Signs a body as Standard Webhooks asks for.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class signature {
    /**
     * The headers of a signed body. Each secret signs: during a rotation the receiver knows one of them.
     *
     * @param string $id the message's id
     * @param int $timestamp Unix seconds
     * @param string $body as it is sent, to the byte
     * @param string[] $secrets
     * @return string[] values by name
     */
    public static function headers(string $id, int $timestamp, string $body, array $secrets): array {
        $signatures = [];
        foreach ($secrets as $secret) {
            $signatures[] = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", self::key($secret), true));
        }
        return [
            'webhook-id' => $id,
            'webhook-timestamp' => (string) $timestamp,
            'webhook-signature' => implode(' ', $signatures),
        ];
    }

    /**
     * The bytes of a secret.
     *
     * @param string $secret
     * @return string '' where it is no base64
     */
    public static function key(string $secret): string {
        return (string) base64_decode(substr($secret, strlen(settings::SECRET_PREFIX)), true);
    }
}

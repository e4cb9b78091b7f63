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
 * A signed, short-lived word to the service on who is logged in here.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class assertion {
    /** @var int seconds that an assertion is good for */
    public const LIFETIME = 120;

    /** @var string keeps this use of the secret apart from every other */
    private const PURPOSE = 'copbridge-checkin-v1';

    /**
     * Whether a state can be one that the service made.
     *
     * @param string $state
     * @return bool
     */
    public static function is_state(string $state): bool {
        return preg_match('/\A[A-Za-z0-9_-]{16,128}\z/', $state) === 1;
    }

    /**
     * Where to send somebody, with the assertion. To be made when it is used: it doesn't last.
     *
     * @param int $userid
     * @param string $state
     * @return \moodle_url
     */
    public static function url(int $userid, string $state): \moodle_url {
        $now = \core\di::get(\core\clock::class)->time();
        $claims = [
            'v' => 1,
            'site' => settings::site(),
            'epoch' => identity::epoch(),
            'user' => $userid,
            'state' => $state,
            'iat' => $now,
            'exp' => $now + self::LIFETIME,
        ];
        $target = settings::service_url() . '/identify/' . rawurlencode(settings::site());
        return new \moodle_url($target, ['assertion' => self::sign($claims, settings::secrets()[0])]);
    }

    /**
     * Signs what is claimed.
     *
     * @param array $claims
     * @param string $secret whsec_ and base64
     * @return string two parts in base64url, with a dot between them
     */
    public static function sign(array $claims, string $secret): string {
        $raw = base64_decode(substr($secret, strlen('whsec_')), true);
        if (!str_starts_with($secret, 'whsec_') || $raw === false || $raw === '') {
            // No word on what it looks like: it is a secret.
            throw new \coding_exception('The secret has to be whsec_ and base64');
        }
        $key = hash_hmac('sha256', self::PURPOSE, $raw, true);
        $payload = self::base64url(json_encode($claims, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE));
        return $payload . '.' . self::base64url(hash_hmac('sha256', $payload, $key, true));
    }

    /**
     * Base64 as addresses can hold it, without padding.
     *
     * @param string $bytes
     * @return string
     */
    private static function base64url(string $bytes): string {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }
}

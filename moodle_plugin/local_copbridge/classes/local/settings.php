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
 * What the administrator has set, typed.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class settings {
    /** @var string what an address looks like: the service, then the site's name in it */
    private const ADDRESS = '~^(https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[^/?#\s]+)*)'
        . '/webhooks/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/events$~D';

    /** @var string what a secret begins with */
    public const SECRET_PREFIX = 'whsec_';

    /**
     * A setting as text.
     *
     * @param string $name
     * @return string '' where it isn't set
     */
    public static function get(string $name): string {
        $value = get_config('local_copbridge', $name);
        return $value === false ? '' : trim((string) $value);
    }

    /**
     * The address that batches are posted to.
     *
     * @return string '' where there is none, or it is none
     */
    public static function endpoint(): string {
        $address = self::get('endpoint');
        return self::address_parts($address) === null ? '' : $address;
    }

    /**
     * The secrets that sign, the current one first.
     *
     * @return string[]
     */
    public static function secrets(): array {
        return array_values(array_filter([self::get('secret'), self::get('secret2')], self::is_secret(...)));
    }

    /**
     * Where the service is: the address up to its webhooks.
     *
     * @return string '' where none is set
     */
    public static function service_url(): string {
        return self::address_parts(self::get('endpoint'))[0] ?? '';
    }

    /**
     * What the service calls this site.
     *
     * @return string '' where none is set
     */
    public static function site(): string {
        return self::address_parts(self::get('endpoint'))[1] ?? '';
    }

    /**
     * The same for a command that people type.
     *
     * @return string what stands for the name where none is set
     */
    public static function site_or_placeholder(): string {
        return self::site() ?: get_string('admin_site', 'local_copbridge');
    }

    /**
     * The custom profile fields that are handed over.
     *
     * @return string[] short names
     */
    public static function profile_fields(): array {
        return self::names('profilefields');
    }

    /**
     * The custom course fields that are handed over.
     *
     * @return string[] short names
     */
    public static function course_fields(): array {
        return self::names('coursefields');
    }

    /**
     * Whether it is known where to send, and how to sign.
     *
     * @return bool
     */
    public static function configured(): bool {
        return self::endpoint() !== '' && self::secrets() !== [];
    }

    /**
     * The parts of an address.
     *
     * @param string $address
     * @return string[]|null the service's address and the site's name; null for what is no address
     */
    public static function address_parts(string $address): ?array {
        return preg_match(self::ADDRESS, $address, $found) ? [$found[1], $found[2]] : null;
    }

    /**
     * Whether a text is a secret of Standard Webhooks: 24 to 64 bytes.
     *
     * @param string $secret
     * @return bool
     */
    public static function is_secret(string $secret): bool {
        $bytes = str_starts_with($secret, self::SECRET_PREFIX) ? signature::key($secret) : '';
        return strlen($bytes) >= 24 && strlen($bytes) <= 64;
    }

    /**
     * The names in a list that commas separate.
     *
     * @param string $setting
     * @return string[]
     */
    private static function names(string $setting): array {
        return array_values(array_filter(array_map('trim', explode(',', self::get($setting))), 'strlen'));
    }
}

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
 * What a standing and a community look like when they are as docs/wire/standing.schema.json has them.
 *
 * Codes that are newer than this plugin pass, except for a status: a page has other words ready for them.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class shape {
    /** @var int the version of the documents that this plugin reads */
    public const VERSION = 1;

    /** @var int more bytes than this are no standing */
    private const LARGEST = 262144;

    /** @var int minutes of half a lifetime: more is a mistake */
    private const MOST_MINUTES = 10000000;

    /** @var int the last second of the year 9999 */
    private const LAST_SECOND = 253402300799;

    /**
     * Whether a text is a standing.
     *
     * @param string $json
     * @return bool
     */
    public static function is_standing(string $json): bool {
        $data = self::decoded($json);
        return $data !== null
            && in_array($data['status'] ?? null, words::STATUSES, true)
            && self::is_minutes($data['minutes'] ?? null)
            && self::is_band($data)
            && self::is_between($data['hour_minutes'] ?? null, 1, 1440)
            && self::is_between($data['on_their_way'] ?? null, 0, self::MOST_MINUTES)
            && self::all($data['components'] ?? null, self::is_component(...))
            && self::all($data['missing'] ?? null, self::is_missing(...))
            && self::all($data['activities'] ?? null, self::is_activity(...))
            && self::all($data['sessions'] ?? null, self::is_session(...))
            && self::all($data['other'] ?? null, self::is_other(...));
    }

    /**
     * Whether a text is a community.
     *
     * @param string $json
     * @return bool
     */
    public static function is_course(string $json): bool {
        $data = self::decoded($json);
        return $data !== null
            && self::is_text($data['program'] ?? null)
            && self::is_text($data['community'] ?? null)
            && self::is_text($data['url'] ?? null)
            && self::is_text($data['timezone'] ?? null)
            && self::all($data['components'] ?? null, self::is_code(...))
            && self::is_names($data['names'] ?? null)
            && self::is_moment($data['swept_at'] ?? null, true)
            && self::is_between($data['drift'] ?? null, 0, PHP_INT_MAX);
    }

    /**
     * A JSON object of the version that is read here; null where it isn't one.
     *
     * @param string $json
     * @return array|null
     */
    private static function decoded(string $json): ?array {
        if (strlen($json) > self::LARGEST || !str_starts_with(ltrim($json), '{')) {
            return null;
        }
        $data = json_decode($json, true, 16);
        return is_array($data) && ($data['version'] ?? null) === self::VERSION ? $data : null;
    }

    /**
     * Whether each item of a list is right.
     *
     * @param mixed $items
     * @param callable $check
     * @return bool
     */
    private static function all(mixed $items, callable $check): bool {
        if (!is_array($items) || !array_is_list($items)) {
            return false;
        }
        foreach ($items as $item) {
            if (!$check($item)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether both ends of the band are there and in order, or neither is.
     *
     * @param array $data
     * @return bool
     */
    private static function is_band(array $data): bool {
        [$min, $max] = [$data['band_min'] ?? null, $data['band_max'] ?? null];
        if ($min === null && $max === null) {
            return true;
        }
        return self::is_between($min, 0, self::MOST_MINUTES) && self::is_between($max, $min, self::MOST_MINUTES);
    }

    /**
     * Whether something is the minutes of a component.
     *
     * @param mixed $item
     * @return bool
     */
    private static function is_component(mixed $item): bool {
        return is_array($item) && self::is_code($item['code'] ?? null) && self::is_minutes($item['minutes'] ?? null);
    }

    /**
     * Whether something is a code with parameters. An empty object is an empty list once it is decoded.
     *
     * @param mixed $item
     * @return bool
     */
    private static function is_missing(mixed $item): bool {
        if (!is_array($item) || !self::is_code($item['code'] ?? null) || !is_array($item['params'] ?? null)) {
            return false;
        }
        foreach ($item['params'] as $name => $value) {
            $fits = $value === null || is_int($value) || self::is_text($value);
            if (!is_string($name) || !($fits || self::all($value, self::is_text(...)))) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether something is what an activity earned.
     *
     * @param mixed $item
     * @return bool
     */
    private static function is_activity(mixed $item): bool {
        return is_array($item)
            && self::is_between($item['module'] ?? null, 1, PHP_INT_MAX)
            && self::is_minutes($item['minutes'] ?? null)
            && self::is_minutes($item['offers'] ?? null, true)
            && self::is_code($item['component'] ?? null, true)
            && self::is_code($item['reason'] ?? null, true)
            && self::is_moment($item['at'] ?? null, true);
    }

    /**
     * Whether something is what a session earned.
     *
     * @param mixed $item
     * @return bool
     */
    private static function is_session(mixed $item): bool {
        return is_array($item)
            && self::is_text($item['title'] ?? null)
            && self::is_moment($item['at'] ?? null)
            && self::is_code($item['mode'] ?? null)
            && self::is_minutes($item['minutes'] ?? null)
            && self::is_code($item['reason'] ?? null, true);
    }

    /**
     * Whether something is another line.
     *
     * @param mixed $item
     * @return bool
     */
    private static function is_other(mixed $item): bool {
        return is_array($item)
            && self::is_code($item['what'] ?? null)
            && self::is_text($item['title'] ?? null)
            && self::is_minutes($item['minutes'] ?? null)
            && self::is_moment($item['at'] ?? null, true);
    }

    /**
     * Whether something is names, by what they name and by language.
     *
     * @param mixed $names
     * @return bool
     */
    private static function is_names(mixed $names): bool {
        if (!is_array($names)) {
            return false;
        }
        foreach ($names as $bylanguage) {
            if (!is_array($bylanguage) || !self::all(array_values($bylanguage), self::is_text(...))) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether something is a whole number in a range.
     *
     * @param mixed $value
     * @param int $least
     * @param int $most
     * @return bool
     */
    private static function is_between(mixed $value, int $least, int $most): bool {
        return is_int($value) && $value >= $least && $value <= $most;
    }

    /**
     * Whether something is an amount of minutes: decisions can take some away.
     *
     * @param mixed $value
     * @param bool $maybenull
     * @return bool
     */
    private static function is_minutes(mixed $value, bool $maybenull = false): bool {
        return ($maybenull && $value === null) || self::is_between($value, -self::MOST_MINUTES, self::MOST_MINUTES);
    }

    /**
     * Whether something is a moment in Unix seconds.
     *
     * @param mixed $value
     * @param bool $maybenull
     * @return bool
     */
    private static function is_moment(mixed $value, bool $maybenull = false): bool {
        return ($maybenull && $value === null) || self::is_between($value, 0, self::LAST_SECOND);
    }

    /**
     * Whether something is a code: programs make up their own.
     *
     * @param mixed $value
     * @param bool $maybenull
     * @return bool
     */
    private static function is_code(mixed $value, bool $maybenull = false): bool {
        return ($maybenull && $value === null) || (self::is_text($value) && $value !== '' && strlen($value) <= 255);
    }

    /**
     * Whether something is a text.
     *
     * @param mixed $value
     * @return bool
     */
    private static function is_text(mixed $value): bool {
        return is_string($value) && !str_contains($value, "\0");
    }
}

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
 * When to try again after a failure.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class backoff {
    /** @var int seconds before the second try */
    private const FIRST = 15;

    /** @var int the longest wait in seconds */
    public const LONGEST = 600;

    /**
     * Whether it is time to try.
     *
     * @return bool
     */
    public static function over(): bool {
        return (int) settings::get('retryat') <= self::now();
    }

    /**
     * A batch was taken.
     */
    public static function succeeded(): void {
        self::keep(['retryat' => 0, 'failures' => 0, 'lasterror' => '', 'lastdelivery' => self::now()]);
    }

    /**
     * A batch was not taken: the wait doubles each time, and varies, so that many sites don't come back at once.
     *
     * @param string $code what went wrong
     * @param int|null $wanted the seconds that the receiver asked for
     */
    public static function failed(string $code, ?int $wanted = null): void {
        $failures = (int) settings::get('failures') + 1;
        $wait = min(self::LONGEST, self::FIRST * 2 ** min($failures - 1, 10));
        $wait = $wanted ?? random_int((int) ($wait * 0.8), (int) ($wait * 1.2));
        $wait = max(1, min(self::LONGEST, $wait));
        self::keep(['retryat' => self::now() + $wait, 'failures' => $failures, 'lasterror' => $code]);
    }

    /**
     * Lets the next try be now.
     */
    public static function forget(): void {
        self::keep(['retryat' => 0, 'failures' => 0, 'lasterror' => '']);
    }

    /**
     * Writes what has changed.
     *
     * @param array $values by name
     */
    private static function keep(array $values): void {
        foreach ($values as $name => $value) {
            if (settings::get($name) !== (string) $value) {
                set_config($name, $value, 'local_copbridge');
            }
        }
    }

    /**
     * The present second.
     *
     * @return int
     */
    private static function now(): int {
        return \core\di::get(\core\clock::class)->time();
    }
}

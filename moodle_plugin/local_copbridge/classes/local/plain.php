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

use core_text;

/**
 * Values as the wire has them: bounded texts, whole seconds, ids.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class plain {
    /** @var int How many characters a text has at most. */
    public const MAX_TEXT = 1333;

    /** @var int The latest second that the wire knows: the year 2100. */
    private const LAST_SECOND = 4102444800;

    /**
     * A text, cut where it is too long.
     *
     * @param mixed $value
     * @param int $length characters
     * @return string
     */
    public static function text($value, int $length = self::MAX_TEXT): string {
        $text = (string) $value;
        // Bytes are counted quickly, and there are never fewer of them than characters.
        return strlen($text) <= $length ? $text : core_text::substr($text, 0, $length);
    }

    /**
     * A time, 0 where there is none.
     *
     * @param mixed $value
     * @return int
     */
    public static function second($value): int {
        return max(0, min((int) $value, self::LAST_SECOND));
    }

    /**
     * The id of a row, or null.
     *
     * @param mixed $value
     * @return int|null
     */
    public static function id($value): ?int {
        return (int) $value > 0 ? (int) $value : null;
    }

    /**
     * A state of completion. Moodle's fourth (failed, and the grade is hidden) is failed.
     *
     * @param mixed $value
     * @return int 0 to 3
     */
    public static function state($value): int {
        return max(0, min((int) $value, 3));
    }

    /**
     * Now, on Moodle's clock: asked before the first query of a reading, so that no later change counts as known.
     *
     * @return float
     */
    public static function now(): float {
        return round(microtime(true), 6);
    }

    /**
     * A value as JSON.
     *
     * @param array $value
     * @return string
     */
    public static function json(array $value): string {
        return json_encode(
            $value,
            JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR
        );
    }
}

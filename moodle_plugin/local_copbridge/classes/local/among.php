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
 * Conditions on lists of ids of any length.
 *
 * The ids are written into the query, as whole numbers: PostgreSQL takes no more than 65,535 parameters, and a list may be
 * longer than that.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class among {
    /** @var int How many ids one IN has at most: Oracle takes no more than a thousand. */
    private const CHUNK = 1000;

    /**
     * The ids of a PARAM_SEQUENCE.
     *
     * @param string $list
     * @return int[]|null ascending, each once; null where the text is empty: everybody
     */
    public static function ids(string $list): ?array {
        if ($list === '') {
            return null;
        }
        $ids = array_unique(array_filter(array_map('intval', explode(',', $list))));
        sort($ids);
        return $ids;
    }

    /**
     * A condition that a field is one of some ids.
     *
     * @param string $field
     * @param int[]|null $ids null: any
     * @return string SQL without parameters
     */
    public static function sql(string $field, ?array $ids): string {
        if ($ids === null) {
            return '1 = 1';
        }
        $lists = array_map(
            fn(array $chunk): string => "$field IN (" . implode(',', array_map('intval', $chunk)) . ')',
            array_chunk($ids, self::CHUNK)
        );
        return $lists ? '(' . implode(' OR ', $lists) . ')' : '1 = 0';
    }
}

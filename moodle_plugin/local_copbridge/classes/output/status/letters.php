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

namespace local_copbridge\output\status;

use core\output\paging_bar;
use local_copbridge\local\outbox;
use local_copbridge\local\outbox_words;
use local_copbridge\local\words;

/**
 * Events that were given up. Of people there is the id alone.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class letters {
    /** @var int rows on a page */
    public const PAGE = 50;

    /** @var int rows in all */
    public readonly int $count;

    /**
     * One page.
     *
     * @param int $page
     * @param \moodle_url $url
     */
    public function __construct(
        /** @var int which page, from 0 */
        private readonly int $page,
        /** @var \moodle_url the page's address */
        private readonly \moodle_url $url,
    ) {
        global $DB;
        $this->count = $DB->count_records('local_copbridge_outbox', ['dead' => 1]);
    }

    /**
     * What the template needs.
     *
     * @param \renderer_base $output
     * @return array
     */
    public function data(\renderer_base $output): array {
        $page = max(0, min($this->page, intdiv(max($this->count - 1, 0), self::PAGE)));
        $rows = outbox::dead(self::PAGE, $page * self::PAGE);
        $names = courses::names(array_column($rows, 'courseid'));
        return [
            'has' => (bool) $rows,
            'count' => words::counted('admin_letters', $this->count),
            'rows' => array_values(array_map(static fn(\stdClass $row): array => [
                'id' => (int) $row->id,
                'event' => outbox_words::event($row->eventname),
                'course' => courses::link((int) $row->courseid, $names),
                'user' => $row->userid > 0 ? (int) $row->userid : '',
                'activity' => $row->cmid > 0 ? (int) $row->cmid : '',
                'time' => words::moment((int) $row->timecreated),
                'attempts' => (int) $row->attempts,
                'reason' => outbox_words::reason((string) $row->reason),
            ], $rows)),
            'paging' => $this->count > self::PAGE
                ? $output->render(new paging_bar($this->count, $page, self::PAGE, $this->url, 'letters'))
                : '',
        ];
    }
}

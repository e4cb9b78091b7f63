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
use local_copbridge\local\deliveries;
use local_copbridge\local\result;
use local_copbridge\local\words;

/**
 * What was sent, and how it went.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class sent {
    /** @var int rows on a page */
    public const PAGE = 50;

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
    }

    /**
     * What the template needs.
     *
     * @param \renderer_base $output
     * @return array
     */
    public function data(\renderer_base $output): array {
        global $DB;
        $count = $DB->count_records('local_copbridge_delivery');
        $page = max(0, min($this->page, intdiv(max($count - 1, 0), self::PAGE)));
        $rows = deliveries::latest(self::PAGE, $page * self::PAGE);
        return [
            'has' => (bool) $rows,
            'rows' => array_values(array_map($this->row(...), $rows)),
            'paging' => $count > self::PAGE
                ? $output->render(new paging_bar($count, $page, self::PAGE, $this->url, 'deliveries'))
                : '',
        ];
    }

    /**
     * One post.
     *
     * @param \stdClass $row
     * @return array
     */
    private function row(\stdClass $row): array {
        $result = new result($row->outcome, (int) $row->httpstatus, (string) $row->detail);
        $empty = !$row->events && !$row->readings;
        return [
            'time' => words::moment((int) $row->timesent),
            'events' => (int) $row->events,
            'readings' => (int) $row->readings,
            'bytes' => display_size((int) $row->bytes),
            'millis' => (int) $row->millis,
            'status' => (int) $row->httpstatus ?: '–',
            'good' => $result->good(),
            'outcome' => $result->good()
                ? get_string($empty ? 'admin_sent_sign' : 'admin_sent_taken', 'local_copbridge')
                    . ($result->detail === '' ? '' : ' (' . s($result->detail) . ')')
                : $result->message(),
        ];
    }
}

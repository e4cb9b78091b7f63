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
 * One body of a post: a batch of the wire.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class body {
    /**
     * A body.
     *
     * @param string $json
     * @param \stdClass[] $rows the rows of the outbox whose events it has, in their order
     * @param string[] $kinds the kinds of its readings, in their order
     */
    public function __construct(
        /** @var string the body itself */
        public readonly string $json,
        /** @var \stdClass[] rows of the outbox */
        public readonly array $rows = [],
        /** @var string[] kinds of readings */
        public readonly array $kinds = [],
    ) {
    }

    /**
     * A body of events and readings that are JSON already.
     *
     * @param \stdClass[] $rows
     * @param string[] $readings
     * @param string[] $kinds
     * @return self
     */
    public static function of(array $rows = [], array $readings = [], array $kinds = []): self {
        global $CFG;
        $events = [];
        foreach ($rows as $row) {
            $events[] = '{"id":"' . $row->uuid . '","sequence":' . (int) $row->id . ',"data":' . $row->data . '}';
        }
        $head = json_encode([
            'version' => 1,
            'wwwroot' => $CFG->wwwroot,
            'epoch' => identity::epoch(),
            'sent_at' => round(microtime(true), 6),
        ], JSON_UNESCAPED_SLASHES);
        $json = substr($head, 0, -1) . ',"events":[' . implode(',', $events) . '],"readings":['
            . implode(',', $readings) . ']}';
        return new self($json, array_values($rows), $kinds);
    }
}

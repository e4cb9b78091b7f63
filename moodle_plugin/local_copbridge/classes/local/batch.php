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
 * Turns rows of the outbox into bodies: the events, and before or with them all readings that they need.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class batch {
    /** @var int events in a batch */
    public const MAX_ROWS = 250;

    /** @var int readings in a body */
    public const MAX_READINGS = 5000;

    /** @var int bytes of a body; one reading or event more may be over it */
    public const MAX_BYTES = 1000000;

    /** @var int readings that the events of a batch need; one event may need more */
    private const MAX_NEEDS = 2000;

    /** @var int how readings are written */
    private const JSON = JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE;

    /** @var \stdClass[] the rows that are in it */
    private array $rows = [];

    /** @var \stdClass[] rows that hold no event, whatever became of them */
    private array $unreadable = [];

    /** @var needs */
    private needs $needs;

    /**
     * A batch of as many of some rows as fit, from the first on.
     *
     * @param \stdClass[] $rows rows of the outbox
     * @param int $maxbytes
     */
    public function __construct(
        array $rows,
        /** @var int bytes of a body */
        private readonly int $maxbytes = self::MAX_BYTES,
    ) {
        $this->needs = new needs();
        $bytes = 0;
        foreach ($rows as $row) {
            $bytes += strlen($row->data);
            $full = count($this->rows) >= self::MAX_ROWS || $bytes > $maxbytes / 2
                || $this->needs->count() >= self::MAX_NEEDS;
            if ($this->rows && $full) {
                break;
            }
            $data = json_decode($row->data);
            if (!$data instanceof \stdClass) {
                $this->unreadable[] = $row;
                continue;
            }
            $this->rows[] = $row;
            $this->needs->add($row, $data);
        }
    }

    /**
     * The rows that are in it.
     *
     * @return \stdClass[]
     */
    public function rows(): array {
        return $this->rows;
    }

    /**
     * Rows that hold no event.
     *
     * @return \stdClass[]
     */
    public function unreadable(): array {
        return $this->unreadable;
    }

    /**
     * The bodies, to be posted in this order. The last one has the events; where the readings don't fit beside them,
     * they go before.
     *
     * @param readings $readings
     * @return \Generator of body
     */
    public function bodies(readings $readings): \Generator {
        $events = array_sum(array_map(static fn(\stdClass $row): int => strlen($row->data) + 100, $this->rows));
        [$texts, $kinds, $bytes] = [[], [], 0];
        foreach ($this->needs->read($readings) as $reading) {
            $text = json_encode($reading, self::JSON);
            if ($text === false) {
                continue;
            }
            if ($texts && ($bytes + strlen($text) >= $this->maxbytes || count($texts) >= self::MAX_READINGS)) {
                yield body::of([], $texts, $kinds);
                [$texts, $kinds, $bytes] = [[], [], 0];
            }
            $texts[] = $text;
            $kinds[] = (string) $reading['kind'];
            $bytes += strlen($text) + 1;
        }
        if ($texts && $bytes + $events > $this->maxbytes) {
            yield body::of([], $texts, $kinds);
            [$texts, $kinds] = [[], []];
        }
        yield body::of($this->rows, $texts, $kinds);
    }
}

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

namespace local_copbridge;

use local_copbridge\external\set_sections;
use local_copbridge\fixtures\provision_testcase;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/provision_testcase.php');

/**
 * Tests of naming sections.
 *
 * @package    local_copbridge
 * @category   test
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\provision\sections
 * @covers     \local_copbridge\external\set_sections
 */
final class set_sections_test extends provision_testcase {
    /**
     * Sections are named, made and hidden; a second call writes nothing.
     */
    public function test_set(): void {
        $wanted = [
            ['number' => 0, 'name' => 'Start'],
            ['number' => 1, 'name' => 'Before', 'summary' => '<p>Read</p>', 'visible' => 0],
            ['number' => 4, 'name' => 'Following'],
        ];
        $this->assertSame(['changed', 'changed', 'created'], $this->outcomes($wanted));
        $sections = get_fast_modinfo($this->course->id)->get_section_info_all();
        $this->assertSame(['Start', 'Before', null, null, 'Following'], array_map(fn($s): ?string => $s->name, $sections));
        $this->assertEquals(['<p>Read</p>', 0], [$sections[1]->summary, $sections[1]->visible]);
        $sink = $this->redirectEvents();
        $this->assertSame(['unchanged', 'unchanged', 'unchanged'], $this->outcomes($wanted));
        $this->assertSame([], $sink->get_events());
    }

    /**
     * All sections of a call, or none.
     */
    public function test_all_or_none(): void {
        foreach ([['number' => 999, 'name' => 'Far'], ['number' => 0, 'name' => 'Start', 'visible' => 0]] as $bad) {
            try {
                $this->outcomes([['number' => 1, 'name' => 'Not kept'], ['number' => 3, 'name' => 'Not made'], $bad]);
                $this->fail('a bad section was taken');
            } catch (\local_copbridge\local\provision\problem) {
                $sections = get_fast_modinfo($this->course->id)->get_section_info_all();
                $this->assertSame([3, null], [count($sections), $sections[1]->name]);
            }
        }
    }

    /**
     * Sets sections.
     *
     * @param array $wanted
     * @return string[]
     */
    private function outcomes(array $wanted): array {
        return array_column(set_sections::execute($this->course->id, $wanted), 'outcome');
    }
}
